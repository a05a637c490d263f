"""Access: who lets which agent do what, where, until when."""
