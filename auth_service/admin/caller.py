"""Who may administer: people with the role `admin`, and for any change only just after a login.

Routers name these in their ``dependencies``, the first for all their routes: whoever is no
administrator learns nothing else about a request, and is not asked to log in again in vain.
"""

from typing import Annotated, Final

from fastapi import Depends

from auth_service.identity.current_user import require_recent_login, require_role
from auth_service.sessions.repository import StoredSession

ADMIN_ROLE: Final = "admin"
_is_administrator: Final = require_role(ADMIN_ROLE)
ADMINISTRATOR: Final = Depends(_is_administrator)
Administrator = Annotated[StoredSession, ADMINISTRATOR]
"""The same, for routes that note who it was."""
RECENTLY_LOGGED_IN: Final = Depends(require_recent_login(_is_administrator))
