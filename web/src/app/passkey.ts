// Passkeys: what the server asks in JSON, the browser wants in bytes, and the other way round.
import { post, Refusal } from '../api/client'

type Json = Record<string, unknown>
const bytes = (s: string) => Uint8Array.from(atob(s.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0)).buffer as ArrayBuffer
const text = (b: ArrayBuffer | null | undefined) =>
  b ? btoa(String.fromCharCode(...new Uint8Array(b))).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '') : undefined
const ids = (list: unknown) => ((list as { id: string }[] | undefined) ?? []).map((c) => ({ ...c, id: bytes(c.id) }) as unknown as PublicKeyCredentialDescriptor)

/** Whether this browser, at this address, can use the passkeys of the installation. */
export const passkeysHere = (host?: string) => !!host && location.hostname === host && typeof PublicKeyCredential !== 'undefined'

interface Challenge { ticket: string; options: Json }
export interface Proof { ticket: string; answer: Json }

/** Closed, timed out or not recognised: the browser has said so itself. */
const gaveUp = () => new Refusal({ kind: 'gave_up', status: 0, title: '' })

/** Asks for a passkey: to sign in, as a second factor, as a fresh proof, or as the proof of one decision (`of`). */
export async function askPasskey(of?: string): Promise<Proof> {
  const c = of ? await post<Challenge>('/api/session/fresh/passkey', { for: of }, { quiet: true }) : await post<Challenge>('/api/passkey')
  const o = c.options
  let k: PublicKeyCredential | null = null
  try {
    k = (await navigator.credentials.get({ publicKey: { ...o, challenge: bytes(String(o.challenge)), allowCredentials: ids(o.allowCredentials) } as PublicKeyCredentialRequestOptions })) as PublicKeyCredential | null
  } catch {
    throw gaveUp()
  }
  if (!k) throw gaveUp()
  const r = k.response as AuthenticatorAssertionResponse
  return {
    ticket: c.ticket,
    answer: {
      id: k.id, rawId: text(k.rawId), type: k.type, clientExtensionResults: k.getClientExtensionResults(),
      response: { clientDataJSON: text(r.clientDataJSON), authenticatorData: text(r.authenticatorData), signature: text(r.signature), userHandle: text(r.userHandle) },
    },
  }
}

export async function makePasskey(name: string): Promise<void> {
  const c = await post<Challenge>('/api/factor/passkey/ask')
  const o = c.options as Json & { user: Json }
  let k: PublicKeyCredential | null = null
  try {
    k = (await navigator.credentials.create({
      publicKey: { ...o, challenge: bytes(String(o.challenge)), user: { ...o.user, id: bytes(String(o.user.id)) }, excludeCredentials: ids(o.excludeCredentials) } as unknown as PublicKeyCredentialCreationOptions,
    })) as PublicKeyCredential | null
  } catch {
    throw gaveUp()
  }
  if (!k) throw gaveUp()
  const r = k.response as AuthenticatorAttestationResponse
  await post('/api/factor/passkey', {
    name,
    ticket: c.ticket,
    answer: {
      id: k.id, rawId: text(k.rawId), type: k.type, clientExtensionResults: k.getClientExtensionResults(),
      response: { clientDataJSON: text(r.clientDataJSON), attestationObject: text(r.attestationObject), transports: r.getTransports?.() ?? [] },
    },
  })
}
