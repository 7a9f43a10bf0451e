// The worked example of docs/api.md, run as it stands there: what it prints must be what the page says it prints.
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { base, must } from './browser.mjs'

/** What differs from one run to the next: numbers given, check codes, how many there are. */
const plain = (text) => text.trim().replace(/\b\d{6}\b/g, 'N').replace(/\b[A-Z0-9]{4}(-[A-Z0-9]{4}){2}\b/g, 'CODE').replace(/"count":\d+/g, '"count":N').split('\n')

export default [
  ['the worked example of the API runs as its page says', null, null, async () => {
    const [, script, wanted] = /```sh\n(B=[^]*?)```\n```\n([^]*?)```/.exec(readFileSync(new URL('../../docs/api.md', import.meta.url), 'utf8'))
    const dir = mkdtempSync(join(tmpdir(), 'example-'))
    try {
      const { stdout } = await promisify(execFile)('bash', ['-c', script], { cwd: dir, env: { ...process.env, B: base }, timeout: 120_000 })
      const got = plain(stdout)
      plain(wanted).forEach((line, i) => {
        const open = line.indexOf('…') // the page leaves the rest out
        must(open < 0 ? got[i] === line : got[i]?.startsWith(line.slice(0, open).replace(/,$/, '')), `line ${i + 1} is "${got[i]}", the page says "${line}"\n${stdout}`)
      })
    } finally {
      rmSync(dir, { recursive: true })
    }
  }],
]
