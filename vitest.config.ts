import { defineConfig } from 'vitest/config';

const project = (name: string, folders: string[], extra: Record<string, unknown> = {}) => ({
  test: { name, include: folders.map((folder) => `test/${folder}/**/*.test.ts`), testTimeout: 30_000, hookTimeout: 120_000, ...extra },
});

export default defineConfig({
  test: {
    reporters: ['default'],
    maxWorkers: 2,
    projects: [
      project('fast', ['unit', 'contract', 'property', 'vectors', 'arch']),
      project('hsm', ['hsm']),
      project('integration', ['integration', 'e2e']),
      // The CDK takes ten seconds to load and warm up, and its constructs share nothing.
      project('infra', ['infra'], { isolate: false }),
      project('emulator', ['emulator']),
    ],
  },
});
