// A server of a test's own: an empty database, or one with an administrator who signs in as "he".
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const program = new URL('../../bin/zhanggui', import.meta.url).pathname
export const secret = 'slate harbour 12 echoes'

const free = () =>
  new Promise((done) => {
    const s = createServer().listen(0, '127.0.0.1', () => {
      const { port } = s.address()
      s.close(() => done(port))
    })
  })

/** The product as `zhanggui serve` starts it; answers its address (on localhost, where browsers allow passkeys) and, where nobody can sign in yet, its set-up code. */
export async function serve({ founded = false, args = [] } = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'zhanggui-own-'))
  const port = await free()
  const database = ['--database', `sqlite:${dir}/zg.db`]
  if (founded) execFileSync(program, ['admin', 'create', '--account', 'he', '--name', '何静', '--company', '恒泰机械有限公司', ...database], { input: secret + '\n' })
  const address = `http://localhost:${port}`
  const server = spawn(program, ['serve', '--listen', `127.0.0.1:${port}`, '--url', address, '--key', `${dir}/journal.key`, ...database, ...args])
  const stop = () => new Promise((done) => {
    server.on('exit', () => { rmSync(dir, { recursive: true, force: true }); done() })
    server.kill('SIGINT')
  })
  return new Promise((resolve, reject) => {
    let out = ''
    server.on('exit', (code) => reject(new Error(`the server ended with ${code}: ${out}`)))
    server.stderr.on('data', (b) => { out += b })
    server.stdout.on('data', (b) => {
      out += b
      const code = /([A-Z2-7]{4}(?:-[A-Z2-7]{4}){3})/.exec(out)?.[1]
      if (/address\s+\S+/.test(out) && (founded || code)) resolve({ address, code, stop })
    })
  })
}
