"""Logins that last: the session row, its refresh token, its rotation and its end."""
