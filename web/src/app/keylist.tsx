import { Checkbox } from 'antd'
import { useState } from 'react'
import { Key } from '../elements/parts'
import { useWords } from './i18n'
import { keysOff } from './keys'
import { Dialog } from '../elements/dialog'

const KEYS: [string[], string][] = [
  [['/'], 'keys.search'], [['Ctrl K'], 'keys.commands'], [['N'], 'keys.new'], [['G', 'W'], 'keys.gw'], [['G', 'C'], 'keys.gc'], [['G', 'R'], 'keys.gr'], [['G', 'B'], 'keys.gb'],
  [['J'], 'keys.j'], [['K'], 'keys.k'], [['Enter'], 'keys.enter'], [['O'], 'keys.o'], [['X'], 'keys.x'], [['F'], 'keys.f'], [['1', '…', '9'], 'keys.n'], [['['], 'keys.prev'], [[']'], 'keys.next'], [['P'], 'keys.p'], [['Ctrl Enter'], 'keys.submit'], [['Esc'], 'keys.esc'], [['?'], 'keys.list'],
]
export default function KeyList({ onClose }: { onClose: () => void }) {
  const { t } = useWords()
  const [off, setOff] = useState(keysOff())
  return (
    <Dialog open title={t('keys.title')} onCancel={onClose} footer={null}>
      <dl className="keylist">{KEYS.map(([k, w]) => <div key={w}><dt>{k.map((x) => <Key key={x}>{x}</Key>)}</dt><dd>{t(w)}</dd></div>)}</dl>
      <Checkbox autoFocus checked={off} onChange={(e) => { setOff(e.target.checked); if (e.target.checked) localStorage.setItem('zg:keys', 'off'); else localStorage.removeItem('zg:keys') }}>{t('keys.off')}</Checkbox>
    </Dialog>
  )
}
