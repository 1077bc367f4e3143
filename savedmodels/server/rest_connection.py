"""A connection over HTTP, for what fails before a request reaches the application."""

from aiohttp import web

from savedmodels.server.errors import shortened


class RestConnection(web.RequestHandler):
    """Answers what is no HTTP as {"error": "..."}, and logs nothing of it."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Gives the answer to a request that cannot be read; ends the connection."""
        if status >= 500 or request.writer.output_size:
            return super().handle_error(request, status, exc, message)
        received = " ".join((message or type(exc).__name__).split())
        told = f"The request must be HTTP that can be read. Received: {received}"
        response = web.json_response({"error": shortened(told)}, status=status)
        response.force_close()
        return response
