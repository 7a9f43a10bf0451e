// Reading a code from a picture: the browser's own reader where it has one (bars too), else one for QR that comes when it is needed.
interface Detector { detect(from: CanvasImageSource): Promise<{ rawValue: string }[]> }
type DetectorClass = new () => Detector

const own = (): Detector | null => {
  const C = (globalThis as { BarcodeDetector?: DetectorClass }).BarcodeDetector
  try {
    return C ? new C() : null
  } catch {
    return null
  }
}

const MOST = 1400 // a photo of twelve million dots is read no better, only slower

/** The first code in a picture, or nothing. */
export async function readCode(from: HTMLVideoElement | ImageBitmap): Promise<string | null> {
  const [w, h] = from instanceof ImageBitmap ? [from.width, from.height] : [from.videoWidth, from.videoHeight]
  if (!w || !h) return null
  try {
    const found = await own()?.detect(from)
    if (found?.[0]?.rawValue) return found[0].rawValue
  } catch {
    // a reader that is there and cannot work: ours is tried
  }
  const scale = Math.min(1, MOST / Math.max(w, h))
  const canvas = document.createElement('canvas')
  canvas.width = Math.round(w * scale)
  canvas.height = Math.round(h * scale)
  const g = canvas.getContext('2d', { willReadFrequently: true })
  if (!g) return null
  g.drawImage(from, 0, 0, canvas.width, canvas.height)
  const { decodeQR } = await import('qr/decode.js')
  try {
    return decodeQR(g.getImageData(0, 0, canvas.width, canvas.height), { timeLimit: from instanceof ImageBitmap ? 2000 : 60 }) || null
  } catch {
    return null
  }
}

export const hasCamera = () => !!navigator.mediaDevices?.getUserMedia

/** What a print's QR says: the record, and the check code of the paper. */
export function recordIn(code: string): { form: string; id: string; check: string } | null {
  const m = /^(?:https?:\/\/[^/]+)?\/record\/([a-z0-9]+\.[a-z0-9_]+)\/([a-z0-9]+)(?:\?check=([A-Za-z0-9-]+))?$/.exec(code.trim())
  return m ? { form: m[1], id: m[2], check: m[3] ?? '' } : null
}
export const recordAddress = (form: string, id: string, check: string) => `/record/${form}/${id}${check ? `?check=${encodeURIComponent(check)}` : ''}`
