"""What is left of a line: how many of its refresh tokens could be used. More than one is a broken invariant."""

from __future__ import annotations

from typing import Any

# It reads every token of the tenant, which nothing in the product may.
LIVE = """
select count(*)
  from refresh_token t
  join line l on l.tenant = t.tenant and l.id = t.line_id
 where t.tenant = :tenant and t.line_id = :line and t.state = 'live' and l.state = 'active'
"""


async def live_tokens(work: Any, line: str) -> int:
    row = await work.refresh_tokens._statements.row(LIVE, line=line)
    return int(row[0])
