import { ask, base, must, visit } from './browser.mjs'

// What a reader must never see: an id of the law (made_of_words) or of a record (16 letters and digits).
const raw = /(?<![\w@./\u4e00-\u9fff-])(?:[a-z]+(?:_[a-z0-9]+)+|(?=[a-z2-7]*[2-7])(?=[a-z2-7]*[a-z]{3})[a-z2-7]{16})(?![\w.@])/g

const look = async (page, path, found) => {
  await visit(page, path)
  await page.locator('main h1, .paper, main .empty').first().waitFor()
  const said = await page.locator('main, .paper').first().innerText()
  const list = [...new Set(said.match(raw) ?? [])]
  if (list.length) found.push(`${path}: ${list.slice(0, 6).join(' ')}`)
}

export default [
  ['no raw id on any register or record', 'jianzhe', null, async (page) => {
    const found = []
    for (const f of await ask(page, '/api/form')) {
      await look(page, `/register/${f.key}`, found)
      const { rows } = await ask(page, `/api/form/${f.key}/record?limit=1&sort=-at`)
      if (rows?.[0]) await look(page, `/record/${f.key}/${rows[0].id}`, found)
    }
    must(!found.length, found.join('\n    '))
  }],
  ['no raw id on the pages beside the registers', 'jianzhe', null, async (page) => {
    const found = []
    const { rows } = await ask(page, '/api/form/14.complaint/record?limit=1&sort=-number')
    const people = await ask(page, '/api/form/base.person/record?limit=1')
    const ledgers = await ask(page, '/api/ledger')
    for (const path of ['/', '/register', '/rulebook', '/rulebook/14-complaint', '/report', '/ledger', ...ledgers.map((l) => '/ledger/' + l.id), '/board', '/calendar', '/audit', '/settings', '/notice', '/me', '/search?q=2603', `/people/${people.rows[0].id}`, `/record/14.complaint/${rows[0].id}/print`]) await look(page, path, found)
    await page.goto(base + '/settings/14-complaint')
    for (const name of ['各单位处理期限', '个人惩处种类']) {
      await page.getByRole('button', { name }).click()
      const said = await page.getByRole('dialog').innerText()
      const list = said.match(raw)
      if (list) found.push(`${name}: ${list.slice(0, 6).join(' ')}`)
      await page.keyboard.press('Escape')
    }
    must(!found.length, found.join('\n    '))
  }],
]
