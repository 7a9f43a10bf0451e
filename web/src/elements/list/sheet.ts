// A table as a spreadsheet opens it.

/** Rows as CSV that Excel reads as UTF-8. A cell that a spreadsheet would take for a formula is text: what people wrote is never reckoned with. */
export const sheet = (rows: string[][]) =>
  '\uFEFF' + rows.map((r) => r.map((c) => `"${(/^[\s]*[=+\-@\t\r]/.test(c) ? `'${c}` : c).replace(/"/g, '""')}"`).join(',')).join('\r\n') + '\r\n'
