import { base, must, phone, noForbidden, noOverflow, signIn } from './browser.mjs'

export default [
  ['a wrong password says how many tries are left', null, null, async (page) => {
    await page.fill('#account', 'nobody' + Date.now())
    await page.fill('#password', 'not the password')
    await page.keyboard.press('Enter')
    const said = await page.getByRole('alert').innerText()
    must(/账号或密码不对/.test(said), said)
  }],
  ['an empty sign-in says what to fill in', null, null, async (page) => {
    await page.getByRole('button', { name: '登录', exact: true }).click()
    must(/账号和密码都要填/.test(await page.getByRole('alert').innerText()), 'no words')
  }],
  ['the sign-in page fits a phone and the largest text', null, phone, async (page) => {
    await noOverflow(page)
    await page.getByRole('button', { name: '大字版' }).click()
    await noOverflow(page)
    await noForbidden(page)
  }],
  ['one comes back to the page one wanted', null, null, async (page) => {
    await page.goto(base + '/register/14.complaint')
    await signIn(page, 'hejing')
    await page.getByRole('heading', { name: /客户抱怨处理表/ }).waitFor()
  }],
  ['English is complete and remembered', 'limin', null, async (page) => {
    await page.getByRole('button', { name: /李敏/ }).click()
    await page.getByRole('menuitem', { name: 'English' }).click()
    await page.getByRole('heading', { name: /My tasks/ }).waitFor()
    await page.reload()
    await page.getByRole('heading', { name: /My tasks/ }).waitFor()
    must((await page.evaluate(() => document.documentElement.lang)) === 'en', 'lang of the page')
    const frame = (await page.locator('.rail').innerText()).replace('柜', '')
    must(!/[\u4e00-\u9fff]/.test(frame), 'Chinese in the English menu: ' + frame)
  }],
  ['signed out in the middle of work, one signs in over the page and nothing is lost', 'chenli', null, async (page, context) => {
    await page.goto(base + '/register/14.help_request/new')
    const asked = page.locator('main textarea').first()
    await asked.waitFor()
    await asked.fill('请派人到客户现场看法兰')
    await context.clearCookies()
    await page.locator('.act-buttons .ant-btn-primary').click()
    const dialog = page.getByRole('dialog').filter({ hasText: '请重新登录' })
    await dialog.waitFor()
    must((await asked.inputValue()) === '请派人到客户现场看法兰', 'the text behind is gone')
    await dialog.locator('#password').fill('zhanggui-demo')
    await page.keyboard.press('Enter')
    await dialog.waitFor({ state: 'hidden' })
    await page.reload()
    must((await page.locator('main textarea').first().inputValue()) === '请派人到客户现场看法兰', 'the draft is gone')
    await page.getByText('不要草稿').click()
  }],
]
