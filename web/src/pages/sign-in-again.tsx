import { accept } from '../api/client'
import { useWords } from '../app/i18n'
import { useSession } from '../app/session'
import { SignInCard } from './sign-in'
import { Dialog } from '../elements/dialog'

/** Signed out in the middle of work: over the page, nothing behind it is lost. */
export default function SignInAgain() {
  const { t } = useWords()
  const { me, setMe, settleAgain } = useSession()
  return (
    <Dialog open title={t('signin.again')} footer={null} width={420} onCancel={() => settleAgain(false)} mask={{ closable: false }} zIndex={3000}>
      <p>{t('signin.again_text')}</p>
      <SignInCard fixed={me?.person.account} onIn={(m) => { setMe(accept(m)); settleAgain(true) }} />
    </Dialog>
  )
}
