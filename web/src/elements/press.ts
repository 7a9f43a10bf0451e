import type { ActionOpen } from '../api/types'

/** Whether an action wants more than one press. */
export const needsForm = (a: ActionOpen) => !!(a.fill?.length || a.lines?.length || a.sign || a.reason || a.waivable?.length || a.confirm || a.legal || a.style === 'danger')
