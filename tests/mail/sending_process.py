"""A worker that only sends mail, as a process of its own: `python -m ... DATABASE MAIL_URL`.

It says `ready` once it has loaded everything, begins when it is told to, and sends until its
input ends.
"""

import asyncio
import sys
from datetime import timedelta

from auth_service.core.clock import SystemClock
from auth_service.core.periodic import every
from auth_service.core.secrets import Keyring
from auth_service.db.session import Database
from auth_service.mail.composing import Composer
from auth_service.mail.outbox import Outbox
from auth_service.mail.sender import Sender
from auth_service.mail.transport import transport_of
from tests.conftest import SECRET, settings_for


async def send(database_url: str, mail_url: str) -> None:
    settings = settings_for(database_url, mail_url=mail_url)
    database = Database.from_settings(settings)
    keyring, clock = Keyring.of([SECRET]), SystemClock()
    outbox = Outbox(keyring=keyring, clock=clock)
    sender = Sender(
        database=database,
        keyring=keyring,
        clock=clock,
        composer=Composer.of(settings),
        transport=transport_of(settings),
        filled=outbox.filled,
    )
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.readline)
    sending = asyncio.create_task(
        every(timedelta(seconds=0.05), "mail", sender.send_due, woken=outbox.filled)
    )
    await asyncio.to_thread(sys.stdin.read)
    sending.cancel()
    await asyncio.wait([sending])
    await sender.aclose()
    await database.close()


if __name__ == "__main__":
    asyncio.run(send(*sys.argv[1:]))
