import encodeQR from 'qr'
import { decodeQR } from 'qr/decode.js'
import { describe, expect, it } from 'vitest'
import { recordAddress, recordIn } from './codes'

describe('the code of a print', () => {
  const address = recordAddress('14.return_slip', '24lke7cuc66tcm22', '24LK-E7CU-3F9A')
  it('leads to its record, whatever the server was called', () => {
    const want = { form: '14.return_slip', id: '24lke7cuc66tcm22', check: '24LK-E7CU-3F9A' }
    expect(recordIn(address)).toEqual(want)
    expect(recordIn('https://zhanggui.example:8443' + address + '\n')).toEqual(want)
    expect(recordIn('/record/base.customer/abc')).toEqual({ form: 'base.customer', id: 'abc', check: '' })
  })
  it('is nothing else', () => {
    for (const s of ['260307', 'https://zhanggui.example/register/14.complaint', 'javascript:alert(1)//record/a.b/c', 'https://x.example/record/14.complaint/../../x', '/record/14.complaint/abc?check=<b>', '']) expect(recordIn(s), s).toBeNull()
  })
  it('is read back from its picture', () => {
    const text = 'https://zhanggui.example' + address
    const rows = encodeQR(text, 'raw', { border: 4 })
    const dot = 4
    const n = rows.length * dot
    const data = new Uint8Array(n * n * 4).fill(255)
    for (let y = 0; y < n; y++) for (let x = 0; x < n; x++) if (rows[Math.floor(y / dot)][Math.floor(x / dot)]) data.fill(0, (y * n + x) * 4, (y * n + x) * 4 + 3)
    expect(decodeQR({ width: n, height: n, data })).toBe(text)
  })
})
