/** Method and path → operation and path members, from the registry's `http`. */
import type { Operation } from '#shared/operation.ts';

export interface RouteMatch {
  readonly operation: Operation;
  readonly pathMembers: Readonly<Record<string, string>>;
}

interface Route {
  readonly operation: Operation;
  readonly segments: readonly string[];
}

const parameterPattern = /^\{([A-Za-z]+)\}$/;

export class RestRoutes {
  readonly #routes = new Map<string, Route[]>();

  constructor(operations: Iterable<Operation>) {
    for (const operation of operations) {
      const segments = operation.http.path.slice(1).split('/');
      const name = `${operation.http.method} ${segments.length}`;
      this.#routes.set(name, [...(this.#routes.get(name) ?? []), { operation, segments }]);
    }
    // A literal segment wins over a parameter in the same place.
    for (const routes of this.#routes.values()) routes.sort((a, b) => b.segments.filter(isLiteral).length - a.segments.filter(isLiteral).length);
  }

  match(method: string, path: string): RouteMatch | undefined {
    const given = path.replace(/\/$/, '').slice(1).split('/');
    for (const { operation, segments } of this.#routes.get(`${method} ${given.length}`) ?? []) {
      const pathMembers = matchSegments(segments, given);
      if (pathMembers !== undefined) return { operation, pathMembers };
    }
    return undefined;
  }
}

const isLiteral = (segment: string): boolean => !parameterPattern.test(segment);

function matchSegments(segments: readonly string[], given: readonly string[]): Record<string, string> | undefined {
  const members: Record<string, string> = {};
  for (const [at, segment] of segments.entries()) {
    const name = parameterPattern.exec(segment)?.[1];
    const text = given[at]!;
    if (name === undefined) {
      if (segment !== text) return undefined;
      continue;
    }
    const decoded = decodeSegment(text);
    if (decoded === undefined || decoded === '') return undefined;
    members[name] = decoded;
  }
  return members;
}

function decodeSegment(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
