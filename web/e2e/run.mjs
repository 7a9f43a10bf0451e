// Browser tests: what a person does, against the addresses in ZHANGGUI_SERVER (several, with a comma between, share the files).
// Closes with "N passed, N failed". `node e2e/run.mjs workbench` runs the tests whose file or name has the word.
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const only = process.argv[2]
const servers = (process.env.ZHANGGUI_SERVER ?? '').split(',')
const longest = ['access', 'words', 'walk', 'work', 'list', 'auth'] // first, so that none is left alone at the end
const rank = (f) => (longest.indexOf(f.split('.')[0]) + 1 || 99)
const files = readdirSync(new URL('.', import.meta.url)).filter((f) => f.endsWith('.test.mjs')).sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
const one = process.env.ZHANGGUI_FILE

/** The tests of one file, in a browser of their own. */
async function tests(file) {
  const { start, run } = await import('./browser.mjs')
  const list = (await import(`./${file}`)).default.filter(([name]) => !only || `${file} ${name}`.includes(only))
  const browser = list.length ? await start() : null
  let failed = 0
  for (const test of list) {
    const began = performance.now()
    const failure = await run(browser, test)
    const took = `(${((performance.now() - began) / 1000).toFixed(1)} s)`
    if (failure) failed++
    console.log(failure ? `FAILED ${test[0]} ${took}\n    ${String(failure.stack ?? failure).split('\n').slice(0, 60).join('\n    ')}` : `ok     ${test[0]} ${took}`)
  }
  await browser?.close()
  process.send({ passed: list.length - failed, failed })
}

/** One server takes file after file; a file whose process dies counts as a failure. */
async function worker(server, sum) {
  for (let file = files.shift(); file; file = files.shift()) {
    const child = spawn(process.execPath, [fileURLToPath(import.meta.url), ...(only ? [only] : [])], { env: { ...process.env, ZHANGGUI_FILE: file, ...(server ? { ZHANGGUI_SERVER: server } : {}) }, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    let counted = null
    child.on('message', (m) => { counted = m })
    const status = await new Promise((done) => child.on('close', done))
    if (status !== 0 || !counted) console.log(`FAILED ${file} ended with ${status}`)
    sum.passed += counted?.passed ?? 0
    sum.failed += (counted?.failed ?? 0) + (status !== 0 || !counted ? 1 : 0)
  }
}

if (one) {
  await tests(one)
  process.exit(0)
}
const sum = { passed: 0, failed: 0 }
await Promise.all(servers.map((s) => worker(s, sum)))
console.log(`${sum.passed} passed, ${sum.failed} failed`)
process.exit(sum.failed || !sum.passed ? 1 : 0)
