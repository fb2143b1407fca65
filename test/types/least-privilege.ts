/** Compiled, never run: what an operation did not declare does not exist for it. Each line below must be an error, or the compiler fails. */
import * as z from 'zod';
import { defineOperation } from '#shared/operation.ts';

const base = {
  group: 'Keys',
  summary: 'Nothing.',
  http: { method: 'POST', path: '/v1/nothing' },
  input: z.object({ KeyId: z.string() }),
  output: undefined,
  audit: () => ({}),
} as const;

export const declared = defineOperation({
  ...base,
  name: 'Declared',
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'key' } }),
  needs: ['random'],
  errors: ['LimitExceededException'],
  async run(ctx) {
    await ctx.ports.random.generateRandom(1);
    if (ctx.keys.key.rev > 1) throw ctx.error('LimitExceededException', 'Declared.');
    return undefined;
  },
});

export const undeclaredPort = defineOperation({
  ...base,
  name: 'UndeclaredPort',
  needs: ['random'],
  errors: [],
  async run(ctx) {
    // @ts-expect-error `cipher` is not in needs
    void ctx.ports.cipher;
    // @ts-expect-error `committer` is not in needs
    void ctx.ports.committer;
    return undefined;
  },
});

export const noPort = defineOperation({
  ...base,
  name: 'NoPort',
  needs: [],
  errors: [],
  async run(ctx) {
    // @ts-expect-error nothing is in needs
    void ctx.ports.lister;
    return undefined;
  },
});

export const undeclaredError = defineOperation({
  ...base,
  name: 'UndeclaredError',
  needs: [],
  errors: ['LimitExceededException'],
  async run(ctx) {
    // @ts-expect-error DisabledException is not in errors
    throw ctx.error('DisabledException', 'Not declared.');
  },
});

export const undeclaredKey = defineOperation({
  ...base,
  name: 'UndeclaredKey',
  keys: (input) => ({ key: { identifier: input.KeyId, accepts: 'key' } }),
  needs: [],
  errors: [],
  async run(ctx) {
    // @ts-expect-error the operation names no such key
    void ctx.keys.source;
    return undefined;
  },
});

export const portsBeforeTheyMayBeUsed = defineOperation({
  ...base,
  name: 'PortsBeforeTheyMayBeUsed',
  needs: ['random'],
  errors: [],
  check(ctx) {
    // @ts-expect-error rules are checked before any port is touched
    void ctx.ports.random;
  },
  async run() {
    return undefined;
  },
});

// @ts-expect-error no such port
export const unknownPort = defineOperation({ ...base, name: 'UnknownPort', needs: ['database'], errors: [], run: async () => undefined });

// @ts-expect-error no such error
export const unknownError = defineOperation({ ...base, name: 'UnknownError', needs: [], errors: ['OutOfCheeseException'], run: async () => undefined });

export const wrongAnswer = defineOperation({
  ...base,
  name: 'WrongAnswer',
  output: z.object({ KeyId: z.string() }),
  needs: [],
  errors: [],
  // @ts-expect-error the answer is not the declared one
  run: async () => ({ KeyId: 7 }),
});
