// A notice that has just come: it sounds once on this device, and the system shows that something waits.
import { get } from '../api/client'
import { queries } from '../api/query'
import type { Notice } from '../api/types'

const SOUND = 'zg:sound'
const REST = 3000 // several at once sound as one

const listeners = new Set<(n: Notice) => void>()
let last = 0
let audio: AudioContext | null = null

export const soundOn = () => {
  try {
    return localStorage.getItem(SOUND) !== 'off'
  } catch {
    return true
  }
}
export const setSound = (on: boolean) => {
  try {
    localStorage.setItem(SOUND, on ? 'on' : 'off')
  } catch {
    // a browser that keeps nothing goes on sounding
  }
}
export const systemState = (): 'granted' | 'denied' | 'default' | 'none' => (typeof Notification === 'undefined' ? 'none' : Notification.permission)

export function onAlarm(f: (n: Notice) => void) {
  listeners.add(f)
  return () => void listeners.delete(f)
}

/** Two short tones, made here: no file is loaded. A browser that has not been touched yet stays silent. */
export function ring() {
  if (!soundOn() || Date.now() - last < REST) return
  last = Date.now()
  try {
    audio ??= new AudioContext()
    const at = audio.currentTime
    const volume = audio.createGain()
    volume.gain.setValueAtTime(0.2, at)
    volume.gain.exponentialRampToValueAtTime(0.001, at + 0.5)
    volume.connect(audio.destination)
    for (const [i, f] of [880, 1175].entries()) {
      const tone = audio.createOscillator()
      tone.frequency.value = f
      tone.connect(volume)
      tone.start(at + i * 0.18)
      tone.stop(at + i * 0.18 + 0.16)
    }
    document.documentElement.dataset.rang = String(Number(document.documentElement.dataset.rang ?? 0) + 1)
  } catch {
    // no sound here; the page shows it all the same
  }
}

/** What the live stream says: a notice of this person was made. */
export async function alarm(id: string, words: { title: string; body: string }) {
  void queries.invalidateQueries({ queryKey: ['/api/notice'] })
  const list = await get<{ rows: Notice[] }>('/api/notice').catch(() => null)
  const n = list?.rows.find((x) => x.id === id && !x.read)
  if (!n) return
  ring()
  listeners.forEach((f) => f(n))
  // a lock screen is read by anybody: the system is told that something waits, not what
  if (systemState() === 'granted' && document.hidden) {
    const shown = new Notification(words.title, { body: words.body, tag: id })
    shown.onclick = () => {
      window.focus()
      if (n.form && n.record) location.assign(`/record/${n.form}/${n.record}`)
    }
  }
}
