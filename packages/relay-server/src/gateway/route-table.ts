/** Which methods a path has: so that a wrong method is told from a wrong path. */
export class RouteTable {
  readonly #routes: { readonly pattern: RegExp; readonly method: string }[] = [];

  /** `url` is a route as fastify writes it: `/v1/users/:userId/profile`. */
  add(method: string | readonly string[], url: string): void {
    const pattern = new RegExp(`^${url.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/:[A-Za-z]+/g, '[^/]+')}$`);
    for (const each of typeof method === 'string' ? [method] : method) this.#routes.push({ pattern, method: each });
  }

  methodsOf(path: string): readonly string[] {
    return [...new Set(this.#routes.flatMap(({ pattern, method }) => (pattern.test(path) ? [method] : [])))].filter(
      (method) => method !== 'OPTIONS',
    );
  }
}
