// Whether this browser is told while its page is closed, and what it takes to be told.
import { call } from '../api/client'
import type { Channel } from '../api/types'
import { device } from './agent'
import { recall, remember } from './device'

const KEPT = 'zg:push' // the channel that leads to this browser

export const pushable = () => 'serviceWorker' in navigator && 'PushManager' in window && typeof Notification !== 'undefined'

/** The channel of this browser, if it is still one of the person's. */
export const pushedBy = (channels: Channel[]) => channels.find((c) => c.kind === 'push' && c.id === recall<string>(KEPT))

const bytes = (s: string) => Uint8Array.from(atob(s.replace(/-/g, '+').replace(/_/g, '/').padEnd(Math.ceil(s.length / 4) * 4, '=')), (c) => c.charCodeAt(0))
const text = (b: ArrayBuffer | null) => (b ? btoa(String.fromCharCode(...new Uint8Array(b))).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '') : '')

/** Subscribes this browser under the installation's key. False: the person did not allow it. Throws what the server or the browser says. */
export async function startPush(key: string): Promise<boolean> {
  if ((await Notification.requestPermission()) !== 'granted') return false
  await navigator.serviceWorker.register('/push.js')
  const worker = await navigator.serviceWorker.ready
  await (await worker.pushManager.getSubscription())?.unsubscribe() // one under an older key, or of who sat here before
  const s = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(key) })
  try {
    const c = await call<Channel>('POST', '/api/alert', { body: { kind: 'push', address: s.endpoint, key: text(s.getKey('p256dh')), secret: text(s.getKey('auth')), name: device(navigator.userAgent), quiet_from: 22 * 60, quiet_until: 7 * 60 } })
    remember(KEPT, c.id)
  } catch (e) {
    await s.unsubscribe()
    throw e
  }
  return true
}

/** Ends what startPush began, on the server first. */
export async function endPush(channel: Channel) {
  await call('DELETE', `/api/alert/${channel.id}`)
  remember(KEPT, null)
  const worker = await navigator.serviceWorker.getRegistration('/')
  await (await worker?.pushManager.getSubscription())?.unsubscribe()
  await worker?.unregister()
}
