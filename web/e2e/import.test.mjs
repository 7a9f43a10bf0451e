import { readFileSync } from 'node:fs'
import { ask, base, must, noForbidden, noOverflow, phone, shot } from './browser.mjs'

const sheet = (rows) => ({ name: '客户.csv', mimeType: 'text/csv', buffer: Buffer.from('\ufeff' + rows.map((r) => r.join(',')).join('\r\n')) })
const count = async (page, q) => (await ask(page, `/api/form/base.customer/record?limit=1&count=1&q=${encodeURIComponent(q)}`)).total

export default [
  ['customers from a sheet: columns guessed, tried, brought in, refused rows taken back', 'chenli', null, async (page) => {
    const mark = 'D' + (Date.now() % 1e7)
    await page.goto(base + '/register/base.customer?all=1')
    await page.getByRole('button', { name: '导入' }).click()
    await page.getByLabel('选 Excel 或 CSV 文件').setInputFiles(sheet([
      ['客户名称', '客户代码', '类型', '业务员', '备注说明', '开户行'],
      [`${mark}泵业`, mark + '1', '生产厂', '陈立', '老客户', '工行'],
      [`${mark}阀门`, mark + '2', '工厂', '陈立', '', ''],
      [`${mark}机电`, mark + '3', '经销商', '没有这人', '', ''],
      ['', mark + '4', '经销商', '陈立', '', ''],
      [`${mark}水务`, mark + '5', '', '', '', ''],
    ]))
    await page.getByRole('heading', { name: '二、哪一栏填哪一项' }).waitFor()
    const row = (name) => page.getByRole('row').filter({ hasText: name })
    must(/客户名称/.test(await row('客户名称').locator('.ant-select').innerText()), 'the name is not guessed')
    must(/不导入/.test(await row('开户行').innerText()), 'a column nobody knows is guessed')
    await noForbidden(page)
    await page.getByRole('button', { name: '试导' }).click()
    await page.getByRole('heading', { name: '三、试导完了' }).waitFor() // while it runs its counts are there already, its rows are not
    const said = await page.locator('main').innerText()
    must(/3 行有问题/.test(said) && /第 3 行/.test(said) && /没有“工厂”，可填：生产厂/.test(said) && /没有人员“没有这人”/.test(said) && /第 5 行[\s\S]*还要填“客户名称”/.test(said), said)
    must((await count(page, mark)) === 0, 'trying filed something')
    await noOverflow(page)
    await page.getByRole('button', { name: '导入 2 行' }).click()
    await page.getByRole('heading', { name: '四、导入完了' }).waitFor()
    await page.getByText('导入了 2 行。').waitFor()
    must((await count(page, mark)) === 2, 'not two customers')
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: '下载有问题的行' }).click()])
    must(/客户-没导入的行\.xlsx$/.test(file.suggestedFilename()) && readFileSync(await file.path()).length > 1000, file.suggestedFilename())
    await page.getByRole('link', { name: '看客户' }).click()
    await page.getByText(`${mark}泵业`).first().waitFor()
  }],
  ['an import can be left, found again and stopped; no button on a phone', 'chenli', null, async (page) => {
    const mark = 'S' + (Date.now() % 1e7)
    await page.goto(base + '/register/base.customer/import')
    await page.getByLabel('选 Excel 或 CSV 文件').setInputFiles(sheet([['客户名称', '客户代码'], ...Array.from({ length: 2000 }, (_, i) => [`${mark}号${i}`, `${mark}-${i}`])]))
    await page.getByRole('button', { name: '试导' }).click()
    await page.getByRole('heading', { name: '三、正在试导' }).waitFor()
    const where = page.url()
    await page.goto(base + '/')
    await page.locator('main h1').first().waitFor()
    await page.goto(where)
    await page.getByRole('button', { name: '停下' }).click()
    await page.getByText(/还有 \d+ 行没看/).waitFor()
    must((await count(page, mark)) === 0, 'trying filed something')
    await page.setViewportSize({ width: phone[0], height: phone[1] })
    await page.locator('nav.bar').waitFor()
    await page.getByText('三、试导停下了').waitFor()
    await page.waitForTimeout(300)
    await noOverflow(page)
    await page.goto(base + '/register/base.customer')
    await page.locator('.cards').waitFor()
    must((await page.getByRole('button', { name: '导入' }).count()) === 0, 'a phone offers to import')
  }],
  ['a sheet changes customers that are there, known by their code', 'chenli', null, async (page) => {
    const mark = 'U' + (Date.now() % 1e7)
    const [there] = (await ask(page, '/api/form/base.customer/record?limit=1&sort=-code&filter=' + encodeURIComponent("has(this.code) && this.salesperson == me"))).rows
    await page.goto(base + '/register/base.customer/import')
    await page.getByLabel('选 Excel 或 CSV 文件').setInputFiles(sheet([['客户代码', '客户名称', '备注'], [there.values.code, there.title, mark], [mark, mark, '']]))
    await page.getByRole('combobox', { name: '已有的怎么办' }).click()
    await page.getByTitle(/按“客户代码”认出已有的/).click()
    await page.getByText('空着的格不动原来的内容').waitFor()
    await noOverflow(page)
    await page.getByRole('button', { name: '试导' }).click()
    await page.getByText('其中改动已有的 1 行，').waitFor()
    await shot(page, 'import-match')
    await page.getByRole('button', { name: '导入 2 行' }).click()
    await page.getByText('导入了 2 行。').waitFor()
    const now = await ask(page, '/api/form/base.customer/record/' + there.id)
    must(now.values.note === mark && now.title === there.title, 'the customer is not changed')
    await noForbidden(page)
  }],
]
