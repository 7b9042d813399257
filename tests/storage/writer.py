"""A process that is told to write turns, and says which ones were acknowledged until it is killed."""

import asyncio
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
    sys.stdin.readline()
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
