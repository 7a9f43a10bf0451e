// A chart beside its table: one series, direct labels, no legend. Loaded only where a chart is shown.
import { number } from '../app/money'
import { BarChart, LineChart } from 'echarts/charts'
import { GridComponent, TooltipComponent } from 'echarts/components'
import { init, use as register } from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'
import { useEffect, useRef } from 'react'
import { FONT } from '../app/theme'

register([BarChart, LineChart, GridComponent, TooltipComponent, SVGRenderer])

export default function Chart({ kind, names, values, label, onPick }: { kind: 'bar' | 'line'; names: string[]; values: number[]; label: string; onPick?: (i: number) => void }) {
  const box = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (!box.current) return
    const chart = init(box.current, undefined, { renderer: 'svg' })
    const flat = kind === 'line' || names.length <= 8
    const names_ = { type: 'category' as const, data: flat ? names : [...names].reverse(), axisTick: { show: false }, axisLine: { lineStyle: { color: '#8a95a3' } }, axisLabel: { color: '#1b2430', width: flat ? Math.max(48, Math.min(90, Math.floor((box.current.clientWidth - 60) / names.length) - 8)) : 130, overflow: 'break' as const, interval: 0 } }
    const numbers = { type: 'value' as const, splitLine: { lineStyle: { color: '#e3e7ec' } }, axisLabel: { color: '#5a6675' } }
    const data = flat ? values : [...values].reverse()
    chart.setOption({
      animation: false,
      textStyle: { fontFamily: FONT, fontSize: 13 },
      grid: { left: 8, right: 24, top: 24, bottom: 8, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' },
      tooltip: { trigger: 'axis', axisPointer: { type: kind === 'bar' ? 'shadow' : 'line' } },
      xAxis: flat ? names_ : numbers,
      yAxis: flat ? numbers : names_,
      series: [{ type: kind, data, color: '#1d5b9e', barMaxWidth: 36, symbolSize: 7, label: { show: true, position: flat ? 'top' : 'right', color: '#1b2430', formatter: (p: { value?: unknown }) => number(String(p.value ?? '')) } }],
    })
    chart.on('click', (e) => onPick?.(flat ? e.dataIndex : names.length - 1 - e.dataIndex))
    const watch = new ResizeObserver(() => chart.resize())
    watch.observe(box.current)
    return () => {
      watch.disconnect()
      chart.dispose()
    }
  }, [kind, names, values, onPick])
  return <div ref={box} role="img" aria-label={label} style={{ height: Math.max(280, kind === 'bar' && names.length > 8 ? names.length * 26 : 0) }} />
}
