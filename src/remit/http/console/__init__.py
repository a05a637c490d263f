"""The administrators' pages: one folder a page, a view model beside its template."""
