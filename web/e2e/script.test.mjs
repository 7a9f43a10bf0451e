import { ask, base, must } from './browser.mjs'

// Texts that a careless page would run. Each sets the same mark; none may ever be set.
const hit = 'window.__struck=(window.__struck||0)+1'
const carriers = [
  (x) => `<script>${x}</script>`, (x) => `</script><script>${x}</script>`, (x) => `<img src=x onerror="${x}">`, (x) => `<svg onload="${x}">`, (x) => `<svg><script>${x}</script></svg>`,
  (x) => `"><img src=x onerror=${x}>`, (x) => `'><img src=x onerror=${x}>`, (x) => `<body onload="${x}">`, (x) => `<iframe srcdoc="<script>parent.${x}</script>">`, (x) => `<iframe src="javascript:parent.${x}">`,
  (x) => `<a href="javascript:${x}">开</a>`, (x) => `<details open ontoggle="${x}">`, (x) => `<input autofocus onfocus="${x}">`, (x) => `<video><source onerror="${x}"></video>`, (x) => `<math><mtext><script>${x}</script>`,
  (x) => `<style>@import 'javascript:${x}'</style>`, (x) => `<object data="data:text/html,<script>${x}</script>">`, (x) => `{{constructor.constructor('${x}')()}}`, (x) => `\${${x}}`, (x) => `javascript:${x}`,
]
const shapes = [(s) => s, (s) => s.replace(/script|onerror|onload/g, (w) => w[0].toUpperCase() + w.slice(1)), (s) => s.replace(/</g, '<\t').replace(/<\t/, '<')]
export const texts = shapes.flatMap((shape) => carriers.map((c) => shape(c(hit))))

const send = (page, path, body) =>
  page.evaluate(async ([p, b]) => {
    const me = await (await fetch('/api/me')).json()
    const r = await fetch(p, { method: 'POST', headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': me.csrf }, body: JSON.stringify(b) })
    return { status: r.status, body: await r.json() }
  }, [path, body])

export default [
  [`${texts.length} texts that would like to be script are shown as text: in a list, a record, its history, its print, a search and a saved view`, 'hejing', null, async (page) => {
    const struck = async (where) => must(!(await page.evaluate(() => window.__struck)), 'a script ran: ' + where)
    const mark = '脚本' + Date.now()
    let last = ''
    for (let i = 0; i < texts.length; i += 3) {
      const values = { name: `${mark} ${texts[i]}`, short_name: texts[i + 1], note: texts[i + 2] }
      const made = await send(page, '/api/form/base.customer/record', { values })
      must(made.status === 201, 'not filed: ' + JSON.stringify(made.body))
      must(made.body.values.note === values.note, 'kept as ' + made.body.values.note)
      last = made.body.id
      if (i % 15 === 0) {
        await page.goto(`${base}/record/base.customer/${last}`)
        await page.getByText(mark).first().waitFor()
        await struck(`record ${i}`)
        must((await page.locator('main').innerText()).includes(texts[i + 2].trim().slice(0, 12)), 'the note is not shown: ' + texts[i + 2])
      }
    }
    await send(page, '/api/form/base.customer/view', { name: texts[2], query: 'q=' + encodeURIComponent(texts[5]) })
    for (const path of [`/register/base.customer?q=${encodeURIComponent(mark)}`, `/register/base.customer?q=${encodeURIComponent(texts[2])}`, `/record/base.customer/${last}`, `/search?q=${encodeURIComponent(texts[2])}`, `/record/base.customer/${last}/print`,
      `/register/${encodeURIComponent(texts[2])}`, `/record/base.customer/${encodeURIComponent(texts[5])}`, `/#${texts[2]}`]) {
      await page.goto(base + path)
      await page.locator('h1, [role=alert]').first().waitFor()
      await struck(path)
    }
    must((await ask(page, `/api/form/base.customer/record?q=${encodeURIComponent(mark)}`)).rows.length >= 20, 'they are not there')
  }],
]
