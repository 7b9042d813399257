"""A process that has turns written, and says which ones were acknowledged until the writer is killed.

For every claim that it is told it forks a writer, which says its process id first; once that is dead it says so.
"""

import asyncio
import os
import sys

from storage import Settlement, open_storage
from tests.storage.builders import KEY, new_turn


async def main(path: str, first_claim: int) -> None:
    """Several writers at once, so that commits are shared and cut off at every point."""
    storage = await open_storage(f"sqlite:///{path}")

    async def write(claim_id: int) -> None:
        while True:
            turn = new_turn(f"text {claim_id}", KEY, claim_id=claim_id, discord_id=claim_id)
            begun = await storage.history.begin_turn(turn)
            assert begun is not None
            sys.stdout.write(f"begun {claim_id} {begun.user_message_id} {begun.reply_id}\n")
            sys.stdout.flush()
            await storage.history.settle(begun.reply_id, Settlement(f"answer {claim_id}", "complete"))
            sys.stdout.write(f"settled {claim_id} {begun.user_message_id} {begun.reply_id}\n")
            sys.stdout.flush()
            claim_id += 4

    await asyncio.gather(*(write(first_claim + number) for number in range(4)))


if __name__ == "__main__":
    for line in sys.stdin:
        writer = os.fork()
        if writer == 0:
            sys.stdout.write(f"{os.getpid()}\n")
            sys.stdout.flush()
            asyncio.run(main(sys.argv[1], int(line)))
        os.waitpid(writer, 0)
        sys.stdout.write("\ndead\n")
        sys.stdout.flush()
