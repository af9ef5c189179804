import { createServer, type Server } from 'node:http';

const html = '<!doctype html><meta charset="utf-8"><title>Sotto</title><script type="module" src="/page.js"></script>';

/** Serves one page with one module, under a content security policy without eval. */
export class PageServer implements AsyncDisposable {
  readonly origin: string;
  readonly #server: Server;

  private constructor(server: Server, origin: string) {
    this.#server = server;
    this.origin = origin;
  }

  /** @param connectTo where the page may connect to: known only after the relay has heard of the page */
  static async open(code: string, connectTo: () => readonly string[]): Promise<PageServer> {
    const server = createServer((request, response) => {
      const policy = `default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src ${connectTo().join(' ')}`;
      const files: Readonly<Record<string, readonly [type: string, body: string]>> = {
        '/': ['text/html', html],
        '/page.js': ['text/javascript', code],
      };
      const file = files[request.url ?? ''];
      if (file === undefined) {
        response.writeHead(404).end();
        return;
      }
      const [type, body] = file;
      response
        .writeHead(200, { 'content-type': `${type}; charset=utf-8`, 'content-security-policy': policy })
        .end(body);
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the server has no port');
    return new PageServer(server, `http://127.0.0.1:${address.port}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
