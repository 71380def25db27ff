// Tells the time, and how the package index looks from here. Node's standard library only.
import { createServer, get } from "node:http";

const { PORT, HOST = "127.0.0.1", PACKAGES_URL } = process.env;

const answer = (response, status, body) => {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body) + "\n");
};

// Fairway hands over only the address; certificates and retries are the sidecar's work.
const ask = (url) =>
  new Promise((resolve) => {
    get(url, (response) => resolve(response.resume().statusCode)).on("error", () => resolve(null));
  });

const routes = {
  "GET /health": (response) => answer(response, 200, { status: "ok" }),
  "GET /time": async (response) => {
    const [allowed, undeclared] = await Promise.all([
      ask(`${PACKAGES_URL}/simple/`),
      ask(`${PACKAGES_URL}/packages/`),
    ]);
    answer(response, 200, { time: new Date().toISOString(), packages: { allowed, undeclared } });
  },
};

const server = createServer((request, response) => {
  const route = routes[`${request.method} ${request.url.split("?")[0]}`];
  return route ? route(response) : answer(response, 404, { error: "not found" });
});

server.listen(Number(PORT), HOST, () => console.log(`clock listens on ${HOST}:${PORT}`));
process.on("SIGTERM", () => server.close(() => process.exit(0)));
