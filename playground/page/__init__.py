"""A web page on which people talk in a `LocalDiscord`: plain static files over a JSON API and live events.

    async with Page(world, infermatic) as page:
        print(page.url)      # open it once; the address carries a secret

The files below `static/` speak to the server by the API of `_api` and the events of `_live` alone.
"""

from ._server import Page

__all__ = ["Page"]
