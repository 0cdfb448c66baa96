"""What each schedule that comes with Munshi is good for, for somebody who sees it first."""

from collections.abc import Mapping

PLAIN_WORDS: Mapping[str, str] = {
    "kite_login": "Sign in at Kite each morning. Munshi does it itself where you allowed that; "
    "else it asks you, with a link.",
    "breeze_login": "Sign in at Breeze each morning, in the same way.",
    "session_cleanup": "Tidy away logins that have ended.",
    "session_watch": "Watch the logins, and tell you before one ends.",
    "health_sweep": "Look after the health of every part, and tell you when one fails.",
    "job_cleanup": "Delete old finished jobs each week.",
    "audit_archive": "Move old audit rows into archive files each week; nothing is lost.",
    "audit_verification": "Check each night that nobody changed the audit trail.",
    "database_maintenance": "Keep the database quick, once a month.",
    "broker_call_analysis": "Work out once a month how far the brokers' limits were used.",
    "cache_report": "Work out once a month how much the cache saved.",
    "instrument_load": "Load both brokers' lists of instruments before the market opens. Needed "
    "for collecting data.",
    "daily_collection": "Collect the day's prices after the close. Needs a login.",
    "morning_brief": "Tell your alert channels before the open whether the desk is ready.",
    "evening_summary": "Tell your alert channels in the evening how the day went.",
    "data_quality": "Judge all stored prices once a week, and say what is missing or odd.",
    "price_stream": "Take live prices all day. Uses one of the three streams Kite allows an app.",
}
