// The first run of an installation nobody has used: its own server, its own empty database.
import { must, noForbidden, noOverflow, shot } from './browser.mjs'
import { serve } from './server.mjs'

export default [
  ['a fresh installation is founded, and a regulation adopted, in the browser', null, null, async (_, context) => {
    const { address, code, stop } = await serve()
    try {
      const page = await context.newPage()
      await page.goto(address)
      await page.getByRole('heading', { name: '初次使用' }).waitFor()
      await noForbidden(page)
      await page.setViewportSize({ width: 390, height: 844 })
      await noOverflow(page)
      await page.getByLabel('安装码').fill('AAAA-AAAA-AAAA-AAAA')
      await page.getByLabel('公司名称').fill('恒泰机械有限公司')
      await page.keyboard.press('Enter')
      must(/管理员姓名还没有填/.test(await page.getByRole('alert').innerText()), 'the missing answer is not named')
      await page.getByLabel('管理员姓名').fill('何静')
      await page.getByLabel('登录账号').fill('he')
      await page.getByLabel('密码', { exact: true }).fill('slate harbour 12 echoes')
      await page.keyboard.press('Enter')
      await page.getByRole('heading', { name: /安装码不对/ }).waitFor()
      must((await page.getByLabel('公司名称').inputValue()) === '恒泰机械有限公司', 'what was typed is lost')
      await page.getByLabel('安装码').fill(code)
      await page.keyboard.press('Enter')

      // The founder's recovery codes: shown once, and one must be typed.
      await page.getByRole('heading', { name: '抄下恢复码' }).waitFor()
      await page.getByRole('button', { name: '显示十个恢复码' }).click()
      await page.locator('ol.codes li').nth(9).waitFor()
      const codes = await page.locator('ol.codes li').allInnerTexts()
      must(codes.length === 10 && new Set(codes).size === 10, `codes: ${codes}`)
      await noOverflow(page)
      await noForbidden(page)
      await shot(page, 'first-recovery-phone')
      await page.getByLabel(/抄好后/).fill('AAAA-BBBB-CCCC-DDDD')
      await page.keyboard.press('Enter')
      await page.getByRole('alert').getByText('这不是刚才给出的恢复码').first().waitFor()
      await page.getByLabel(/抄好后/).fill(codes[6].toLowerCase())
      await page.keyboard.press('Enter')
      await page.setViewportSize({ width: 1440, height: 900 })
      await page.locator('header.top').waitFor()
      await page.getByText(/前设好第二因素/).waitFor()
      await page.getByRole('button', { name: /何静/ }).waitFor()

      // The administrator adopts a regulation: a person, his role, the unit, the day.
      await page.getByRole('heading', { name: '从哪里开始' }).waitFor()
      await noForbidden(page)
      await shot(page, 'first-begin')
      await page.mouse.wheel(0, 400)
      await page.getByRole('link', { name: '人员: 逐个登记' }).click()
      await page.getByRole('heading', { name: '新建：人员' }).waitFor()
      must(await page.evaluate(() => window.scrollY) === 0, 'a new page begins below its top')
      await page.getByLabel('姓名').fill('陈立')
      await page.getByRole('button', { name: '新增', exact: true }).click()
      await page.getByRole('heading', { name: '陈立' }).waitFor()
      await page.goto(address + '/rulebook')
      await page.getByRole('link', { name: '采用这部制度：客户投诉（客诉）处理办法', exact: true }).click()
      await page.getByRole('heading', { name: /采用：客户投诉/ }).waitFor()
      await noForbidden(page)
      const left = async () => Number(/还有 (\d+) 个岗位没有人/.exec(await page.locator('main').innerText())?.[1] ?? 0)
      const before = await left()
      const appoint = async (role) => {
        await page.getByRole('button', { name: `任命：${role}`, exact: true }).click()
        const dialog = page.getByRole('dialog')
        await dialog.getByLabel('人员').fill('陈')
        await page.locator('.ant-select-item-option').filter({ hasText: '陈立' }).click()
        await dialog.getByRole('button', { name: '任命' }).click()
        await page.getByRole('row', { name: new RegExp(`^${role} .*陈立`) }).waitFor()
        await dialog.waitFor({ state: 'detached' })
      }
      await page.getByRole('row', { name: /^总经理 没有人 必需.*要由此岗位核签/ }).waitFor()
      await appoint('业务部')
      must(await left() === before - 1, `roles without holder: ${before}, then ${await left()}`)
      await page.getByRole('button', { name: /采用，从/ }).click()
      await page.getByRole('alert').waitFor() // no unit named
      await page.getByLabel('采用单位').click()
      await page.locator('.ant-select-item-option').filter({ hasText: '恒泰机械有限公司' }).click()
      await page.getByRole('button', { name: /采用，从/ }).click()
      await page.getByText('“总经理”还没有人').waitFor() // whoever must sign is there before the regulation is
      for (const role of ['业务部经理', '副总经理', '总经理', '制造部门', '质量管理部', '研发部']) await appoint(role)
      await page.getByRole('button', { name: /采用，从/ }).click()
      await page.getByText('已采用，从').waitFor()
      await page.getByText(/恒泰机械有限公司已采用这部制度/).waitFor()
      await page.setViewportSize({ width: 390, height: 844 })
      await page.reload()
      await page.getByText(/恒泰机械有限公司已采用这部制度/).waitFor()
      await noOverflow(page)
      await noOverflow(page)
      await page.close()
    } finally {
      await stop()
    }
  }],
]
