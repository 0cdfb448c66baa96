"""The weekly signals S1 to S8: levels of the previous week, judged bar by bar."""
