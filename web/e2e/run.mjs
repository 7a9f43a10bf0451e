// Browser tests: what a person does, against the address in ZHANGGUI_URL. Closes with "N passed, N failed".
// `node e2e/run.mjs workbench` runs the tests whose name has the word.
import { readdirSync } from 'node:fs'
import { start, run } from './browser.mjs'

const only = process.argv[2]
const browser = await start()
let passed = 0
let failed = 0
for (const file of readdirSync(new URL('.', import.meta.url)).filter((f) => f.endsWith('.test.mjs')).sort()) {
  const { default: tests } = await import(`./${file}`)
  for (const test of tests) {
    if (only && !`${file} ${test[0]}`.includes(only)) continue
    const began = performance.now()
    const failure = await run(browser, test)
    const took = ` (${((performance.now() - began) / 1000).toFixed(1)} s)`
    if (failure) {
      failed++
      console.log(`FAILED ${test[0]}${took}\n    ${String(failure.stack ?? failure).split('\n').slice(0, 60).join('\n    ')}`)
    } else {
      passed++
      console.log(`ok     ${test[0]}${took}`)
    }
  }
}
await browser.close()
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed || !passed ? 1 : 0)
