import { defineConfig } from 'vitest/config'

/**
 * Two projects. `unit`: quick, run by `npm run check`. `slow`: what starts processes, kills them, or runs long
 * histories (`*.slow.test.ts`), and the house's own checks. `npm test` runs both.
 */
const shared = {
  pool: 'forks',
  // Tests that measure what is kept alive collect garbage themselves.
  execArgv: ['--expose-gc'],
  setupFiles: ['test/support/setup.ts'],
} as const

const slow = ['test/**/*.slow.test.ts', 'test/house/**/*.test.ts']

export default defineConfig({
  test: {
    coverage: { provider: 'v8', include: ['src/**/*.ts'] },
    projects: [
      { test: { ...shared, name: 'unit', include: ['test/**/*.test.ts'], exclude: slow, testTimeout: 20_000 } },
      { test: { ...shared, name: 'slow', include: slow, testTimeout: 120_000 } },
    ],
  },
})
