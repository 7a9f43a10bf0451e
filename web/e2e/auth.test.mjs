// The way in, against servers of one's own whose clock nobody turns: second factors, passkeys in the browser's virtual
// authenticator, fresh proofs, reset links, the company's sign-on.
import { createHash, createHmac, generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { createServer } from 'node:http'
import { ask, must, noForbidden, noOverflow, send, shot } from './browser.mjs'
import { secret, serve } from './server.mjs'

/** What a telephone shows for a secret; ahead by so many steps. */
function codeOf(base32, ahead = 0) {
  const bits = [...base32.replace(/\s/g, '')].map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('')
  const key = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)))
  const step = Buffer.alloc(8)
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + ahead))
  const sum = createHmac('sha1', key).update(step).digest()
  return String((sum.readUInt32BE(sum[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, '0')
}

async function password(page, account = 'he', word = secret) {
  await page.fill('#account', account)
  await page.fill('#password', word)
  await page.keyboard.press('Enter')
}

const inside = (page) => page.locator('header.top').waitFor()

async function out(page) {
  await page.evaluate(async () => {
    const me = await (await fetch('/api/me')).json()
    await fetch('/api/session', { method: 'DELETE', headers: { [me.csrf_header]: me.csrf } })
  })
  await page.goto(new URL('/', page.url()).href)
  await page.locator('#account').waitFor()
}

/** What is asked there finds the last proof too old until there is another, as it is five minutes after the sign-in (no test waits so
 *  long; that the server does answer so is tested by its own clock). Answers how many proofs were given. */
async function minutesLater(page, path) {
  let proofs = 0
  page.on('response', (r) => { if (r.url().endsWith('/api/session/fresh') && r.ok()) proofs++ })
  await page.route(path, (route) =>
    route.request().method() === 'POST' && !proofs
      ? route.fulfill({ status: 403, contentType: 'application/problem+json', body: JSON.stringify({ type: '/problem/stale', title: '这件事要再确认一次是你本人', status: 403, kind: 'stale' }) })
      : route.continue())
  return () => proofs
}

/** Makes a person with an account, and answers his id. */
const person = (page) =>
  page.evaluate(async () => {
    const me = await (await fetch('/api/me')).json()
    const made = await fetch('/api/form/base.person/record', { method: 'POST', headers: { 'Content-Type': 'application/json', [me.csrf_header]: me.csrf }, body: JSON.stringify({ values: { name: '陈立', account: 'chenli' } }) })
    return (await made.json()).id
  })

/** Enrols an authenticator app on the page that is open, and answers its secret. */
async function enrolApp(page) {
  await page.getByRole('button', { name: '设置手机验证器' }).click()
  await page.getByRole('button', { name: '显示二维码' }).click()
  await page.getByRole('img', { name: /二维码/ }).waitFor()
  const key = await page.locator('code.codes').first().innerText()
  await page.getByLabel('验证器显示的六位数字').fill('000000')
  await page.getByRole('button', { name: '启用' }).click()
  await page.getByRole('alert').getByText(/口令不对/).first().waitFor()
  await page.getByLabel('验证器显示的六位数字').fill(codeOf(key))
  return key
}

/** A security key with a finger on it, inside the browser. */
async function authenticator(page) {
  const cdp = await page.context().newCDPSession(page)
  await cdp.send('WebAuthn.enable')
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
  })
  return { keys: async () => (await cdp.send('WebAuthn.getCredentials', { authenticatorId })).credentials, verify: (yes) => cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: yes }) }
}

/** A test with a server of its own. */
const own = (options, fn) => async (_, context) => {
  const server = await serve({ founded: true, ...options })
  const page = await context.newPage()
  page.setDefaultTimeout(15_000)
  try {
    await page.goto(server.address)
    await fn(page, server, context)
  } finally {
    await page.close()
    await server.stop()
  }
}

/** A small OpenID provider at which everybody is who he is set to be. */
function provider() {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const part = (o) => Buffer.from(JSON.stringify(o)).toString('base64url')
  const asked = new Map()
  const p = { sub: 'sub-1' }
  const server = createServer((req, res) => {
    const u = new URL(req.url, p.issuer)
    const json = (o, status = 200) => { res.writeHead(status, { 'Content-Type': 'application/json' }); res.end(JSON.stringify(o)) }
    if (u.pathname === '/.well-known/openid-configuration') return json({ issuer: p.issuer, authorization_endpoint: p.issuer + '/authorize', token_endpoint: p.issuer + '/token', jwks_uri: p.issuer + '/keys', id_token_signing_alg_values_supported: ['RS256'] })
    if (u.pathname === '/keys') return json({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k', use: 'sig', alg: 'RS256' }] })
    if (u.pathname === '/authorize') {
      const code = randomUUID()
      asked.set(code, Object.fromEntries(u.searchParams))
      res.writeHead(302, { Location: `${u.searchParams.get('redirect_uri')}?code=${code}&state=${u.searchParams.get('state')}` })
      return res.end()
    }
    let body = ''
    req.on('data', (b) => { body += b })
    req.on('end', () => {
      const form = new URLSearchParams(body)
      const q = asked.get(form.get('code'))
      asked.delete(form.get('code'))
      if (!q || createHash('sha256').update(form.get('code_verifier')).digest('base64url') !== q.code_challenge) return json({ error: 'invalid_grant' }, 400)
      const now = Math.floor(Date.now() / 1000)
      const text = `${part({ alg: 'RS256', kid: 'k' })}.${part({ iss: p.issuer, sub: p.sub, aud: 'zg', iat: now, exp: now + 60, nonce: q.nonce })}`
      json({ access_token: 'x', token_type: 'Bearer', id_token: `${text}.${sign('sha256', Buffer.from(text), privateKey).toString('base64url')}` })
    })
  })
  return new Promise((done) => server.listen(0, '127.0.0.1', () => {
    p.issuer = `http://127.0.0.1:${server.address().port}`
    p.stop = () => server.close()
    done(p)
  }))
}

export default [
  ['one-time codes and recovery codes are set up, asked for, and used once', null, null, own({}, async (page) => {
    await password(page)
    await inside(page)
    await page.getByText(/前设好第二因素/).waitFor()
    await page.goto(new URL('/me', page.url()).href)
    const key = await enrolApp(page)
    await shot(page, 'auth-enrol')
    await page.getByRole('button', { name: '启用' }).click()
    await page.getByText('手机验证器', { exact: true }).or(page.getByText(/^手机验证器/)).first().waitFor()
    await page.getByRole('button', { name: '换一部手机' }).waitFor()
    await page.getByText(/前设好第二因素/).first().waitFor({ state: 'hidden' }) // the band stops asking
    await page.getByRole('button', { name: '生成恢复码' }).click()
    await page.getByRole('button', { name: '显示十个恢复码' }).click()
    await page.locator('ol.codes li').nth(9).waitFor()
    const codes = await page.locator('ol.codes li').allInnerTexts()
    await page.getByLabel(/抄好后/).fill(codes[2])
    await page.getByRole('button', { name: '已抄好' }).click()
    await page.getByText('还有 10 个没用过').waitFor()
    await noForbidden(page)
    await shot(page, 'auth-mine')
    await page.setViewportSize({ width: 390, height: 844 })
    await noOverflow(page)
    await shot(page, 'auth-mine-phone')
    await out(page)
    await password(page)
    await page.getByRole('heading', { name: /第二步/ }).waitFor()
    await noOverflow(page)
    await noForbidden(page)
    await shot(page, 'auth-second-phone')
    const code = codeOf(key, 1) // one step ahead: the one before was used to enrol
    await page.getByLabel('一次性口令').fill('000000')
    await page.keyboard.press('Enter')
    await page.getByRole('alert').getByText(/还可试 4 次/).first().waitFor()
    await page.getByLabel('一次性口令').fill(code)
    await page.keyboard.press('Enter')
    await inside(page)
    await out(page)
    await password(page)
    await page.getByLabel('一次性口令').fill(code)
    await page.keyboard.press('Enter')
    await page.getByRole('alert').getByText(/口令不对/).first().waitFor()
    await page.getByRole('button', { name: /用恢复码/ }).click()
    await page.getByLabel('恢复码', { exact: true }).fill(codes[0])
    await page.keyboard.press('Enter')
    await inside(page)
    await page.goto(new URL('/me', page.url()).href)
    await page.getByText('还有 9 个没用过').waitFor()
  })],
  ['a passkey is made, signs in alone, is the second factor, and proves anew', null, null, own({}, async (page) => {
    const key = await authenticator(page)
    await password(page)
    await inside(page)
    await page.goto(new URL('/me', page.url()).href)
    await page.getByLabel('给它起个名字').fill('办公电脑')
    await page.getByRole('button', { name: '添加通行密钥' }).click()
    await page.getByText('办公电脑').waitFor()
    must((await key.keys()).length === 1 && (await key.keys())[0].rpId === 'localhost', 'the key is not in the authenticator, or of another host')
    await out(page)
    await page.getByRole('button', { name: '用通行密钥' }).click()
    await inside(page)
    await out(page)
    await password(page)
    await page.getByRole('heading', { name: /第二步/ }).waitFor()
    await page.getByRole('button', { name: '用通行密钥' }).click()
    await inside(page)
    // An act that reaches far, some seconds later: the passkey proves it again and the act goes on.
    await page.goto(new URL('/me', page.url()).href)
    await page.getByRole('button', { name: '新建机器令牌' }).click()
    await page.getByLabel('给谁用').fill('报表机')
    const proofs = await minutesLater(page, '**/api/token')
    await page.getByRole('button', { name: '建立' }).click()
    const dialog = page.getByRole('dialog', { name: '再确认一次是你本人', exact: true })
    await dialog.getByRole('button', { name: '用通行密钥' }).click()
    await dialog.waitFor({ state: 'hidden' })
    await page.getByText(/zgt_/).waitFor()
    must(proofs() === 1, `${proofs()} proofs`)
    await shot(page, 'auth-token')
    // Whoever holds the key and not the finger stays outside.
    await out(page)
    await key.verify(false)
    await page.getByRole('button', { name: '用通行密钥' }).click()
    await page.getByRole('alert').waitFor()
    await shot(page, 'auth-signin')
    must(!(await page.locator('header.top').count()), 'an unverified key opened')
  })],
  ['what reaches far asks again over the page; nothing typed is lost, and giving up does nothing', null, null, own({}, async (page) => {
    await password(page)
    await inside(page)
    const chen = await person(page)
    await page.goto(new URL('/adopt/14-complaint', page.url()).href)
    await page.getByRole('button', { name: '任命：业务部', exact: true }).click()
    const appoint = page.getByRole('dialog').filter({ hasText: '业务部' })
    await appoint.getByLabel('人员').fill('陈')
    await page.locator('.ant-select-item-option').filter({ hasText: '陈立' }).click()
    const proofs = await minutesLater(page, '**/api/form/base.role_grant/record')
    await appoint.getByRole('button', { name: '任命' }).click()
    const dialog = page.getByRole('dialog', { name: '再确认一次是你本人', exact: true })
    await dialog.waitFor()
    await noForbidden(page)
    await shot(page, 'auth-prove')
    const held = () => page.evaluate(async (id) => (await (await fetch(`/api/person/${id}/rights`)).json()).length, chen)
    const before = await held()
    await dialog.getByRole('button', { name: /Close|关闭/ }).click()
    await dialog.waitFor({ state: 'hidden' })
    await appoint.getByText('陈立').waitFor()
    must(await held() === before, 'it was done without the proof')
    await appoint.getByRole('button', { name: '任命' }).click()
    await page.locator('#prove-password').fill('wrong')
    await page.keyboard.press('Enter')
    await dialog.getByRole('alert').waitFor()
    await page.setViewportSize({ width: 390, height: 844 })
    await noOverflow(page)
    await shot(page, 'auth-prove-phone')
    await page.locator('#prove-password').fill(secret)
    await page.keyboard.press('Enter')
    await dialog.waitFor({ state: 'hidden' })
    await page.getByText('陈立').first().waitFor()
    await appoint.waitFor({ state: 'hidden' })
    must(await held() > before, 'it was not done after the proof')
  })],
  ['a decision is confirmed for itself: what changed meanwhile is said, and the passkey signs what is decided', null, null, own({}, async (page, { address }, context) => {
    const key = await authenticator(page)
    await password(page)
    await inside(page)
    const chen = await person(page)
    await page.goto(address + '/me')
    await page.getByLabel('给它起个名字').fill('办公电脑')
    await page.getByRole('button', { name: '添加通行密钥' }).click()
    await page.getByText('办公电脑').waitFor()
    must((await key.keys()).length === 1, 'no passkey')
    await page.goto(address + '/people/' + chen)
    await page.getByRole('button', { name: '给改密码的链接' }).click()
    const link = await page.locator('code.codes').innerText()
    const other = await context.browser().newContext({ locale: 'zh-CN' })
    const his = await other.newPage()
    await his.goto(link)
    await his.getByLabel('新密码').fill('amber ladder by 4 gates')
    await his.keyboard.press('Enter')
    await his.getByText(/密码已换好/).waitFor()
    await his.goto(address)
    await password(his, 'chenli', 'amber ladder by 4 gates')
    await inside(his)
    const form = '/api/form/base.personal_request/record'
    const values = { kind: 'copy', received_on: new Date().toISOString().slice(0, 10), staff: chen }
    const asked = await send(his, 'POST', form, { values })
    await page.goto(`${address}/record/base.personal_request/${asked.id}`)
    await page.getByLabel(/核实/).fill('当面看了身份证')
    await page.locator('.act [data-do]').click()
    const dialog = page.getByRole('dialog', { name: '再确认一次是你本人', exact: true })
    await dialog.getByText(/同意：/).waitFor()
    await noForbidden(page)
    await shot(page, 'auth-decision')
    // Another changes what is to be decided, between the question and the proof.
    await send(his, 'PATCH', `${form}/${asked.id}`, { values: { kind: 'correct' } })
    await dialog.getByLabel('密码').fill(secret)
    await page.keyboard.press('Enter')
    await dialog.getByText(/确认之后内容变了/).waitFor()
    const state = async () => (await ask(page, `${form}/${asked.id}`)).state
    must(await state() === 'asked', 'it was decided on what nobody had confirmed')
    await page.setViewportSize({ width: 390, height: 844 })
    await noOverflow(page)
    await shot(page, 'auth-decision-changed-phone')
    await dialog.getByRole('button', { name: '用通行密钥' }).click()
    await dialog.waitFor({ state: 'hidden' })
    await page.setViewportSize({ width: 1440, height: 900 })
    await page.getByText(/用通行密钥逐件确认/).first().waitFor()
    must(await state() === 'approved', 'it was not decided')
    await shot(page, 'auth-decision-done')
    await other.close()
  })],
  ['an appointment waits for the other administrator; what one gave alone stands on the page of the audit', null, null, own({}, async (page, { address }) => {
    await password(page)
    await inside(page)
    const chen = await person(page)
    await page.goto(address + '/audit')
    await page.getByText('在这里查看也会记下一条').waitFor()
    must(!(await page.getByText(/由一位管理员单独作出/).count()), 'nobody gave anything alone yet')
    must((await send(page, 'POST', '/api/form/base.role_grant/record', { values: { person: chen, role: 'admin' } })).state === 'held', 'there is nobody else who could consent')
    await page.reload()
    await page.getByText('1 项任命由一位管理员单独作出').waitFor()
    await shot(page, 'audit-alone')
    await page.getByRole('link', { name: '看是哪些' }).click()
    await page.getByText(/管理员 陈立|陈立/).first().waitFor()
    await page.goto(address + '/adopt/14-complaint')
    await page.getByRole('button', { name: '任命：业务部', exact: true }).click()
    const appoint = page.getByRole('dialog').filter({ hasText: '业务部' })
    await appoint.getByLabel('人员').fill('何') // himself: the other can consent
    await page.locator('.ant-select-item-option').filter({ hasText: '何静' }).click()
    await appoint.getByRole('button', { name: '任命' }).click()
    await appoint.getByText('等另一位管理员同意后生效').waitFor()
    await noForbidden(page)
    await shot(page, 'adopt-asked')
    await appoint.getByRole('link', { name: '看这项任命' }).click()
    await page.getByText('待另一位管理员同意').first().waitFor()
    await page.setViewportSize({ width: 390, height: 844 })
    await noOverflow(page)
    await shot(page, 'grant-asked-phone')
  })],
  ['who must have a second factor finds nothing else open', null, null, own({ args: ['--second-factor-grace', '0s'] }, async (page) => {
    await password(page)
    await page.getByRole('heading', { name: '先设好第二因素' }).waitFor()
    await page.goto(new URL('/register', page.url()).href)
    await page.getByRole('heading', { name: '先设好第二因素' }).waitFor()
    await noForbidden(page)
    await shot(page, 'auth-must')
    await enrolApp(page)
    await page.getByRole('button', { name: '启用' }).click()
    await inside(page)
  })],
  ['an administrator gives a link for a new password; its owner alone chooses it', null, null, own({}, async (page, { address }, context) => {
    await password(page)
    await inside(page)
    const chen = await person(page)
    await page.goto(address + '/people/' + chen)
    await page.getByRole('button', { name: '给改密码的链接' }).click()
    const link = await page.locator('code.codes').innerText()
    must(link.startsWith(address + '/reset#'), link)
    await shot(page, 'auth-people')
    const his = await context.newPage()
    await his.setViewportSize({ width: 390, height: 844 })
    await context.clearCookies()
    await his.goto(link)
    await his.getByLabel('新密码').fill('password1234')
    await his.keyboard.press('Enter')
    await his.getByRole('alert').getByText(/太常见/).first().waitFor()
    await noOverflow(his)
    await shot(his, 'auth-reset-phone')
    await his.getByLabel('新密码').fill('amber ladder by 4 gates')
    await his.keyboard.press('Enter')
    await his.getByText(/密码已换好/).waitFor()
    await his.goto(link)
    await his.reload()
    await his.getByLabel('新密码').fill('amber ladder by 5 gates')
    await his.keyboard.press('Enter')
    await his.getByRole('alert').getByText(/用过或过期/).first().waitFor()
    await his.goto(address)
    await password(his, 'chenli', 'amber ladder by 4 gates')
    await inside(his)
    await his.close()
  })],
  ['the company account signs in once it is linked, and comes back to the page that was wanted', null, null, async (_, context) => {
    const idp = await provider()
    await own({ args: ['--oidc-issuer', idp.issuer, '--oidc-client', 'zg', '--oidc-label', '企业账号'] }, async (page, { address }) => {
      await page.getByRole('button', { name: '用企业账号登录' }).click()
      await page.getByText(/还没有和这里的人对上/).waitFor()
      await password(page)
      await inside(page)
      await page.goto(address + '/me')
      await page.getByRole('button', { name: '关联公司账号' }).click()
      await page.getByText('公司账号已关联').waitFor()
      await out(page)
      await page.goto(address + '/register?seen=1')
      await page.getByRole('button', { name: '用企业账号登录' }).click()
      await inside(page)
      must(page.url() === address + '/register?seen=1', page.url())
      await out(page)
      idp.sub = 'sub-2'
      await page.getByRole('button', { name: '用企业账号登录' }).click()
      await page.getByText(/还没有和这里的人对上/).waitFor()
    })(_, context)
    idp.stop()
  }],
]
