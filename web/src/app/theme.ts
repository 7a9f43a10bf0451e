import type { ThemeConfig } from 'antd'

export const FONT = '-apple-system, "PingFang SC", "HarmonyOS Sans SC", MiSans, "Segoe UI", "Microsoft YaHei UI", "Microsoft YaHei", "Noto Sans CJK SC", "Source Han Sans SC", "WenQuanYi Micro Hei", sans-serif'

export function theme(large: boolean, touch: boolean): ThemeConfig {
  return {
    cssVar: { key: 'zg' },
    hashed: false,
    token: {
      colorPrimary: '#1d5b9e',
      colorInfo: '#1d5b9e',
      colorLink: '#1d5b9e',
      colorError: '#b42318',
      colorWarning: '#8a5300',
      colorSuccess: '#17693a',
      colorWarningBg: '#fff6e0',
      colorWarningBorder: '#e0c27a',
      colorErrorBg: '#fef1f0',
      colorErrorBorder: '#e4aaa4',
      colorSuccessBg: '#edf8f1',
      colorInfoBg: '#eef4fb',
      controlItemBgActive: '#eef4fb',
      colorText: '#1b2430',
      colorTextSecondary: '#5a6675',
      colorTextPlaceholder: '#6b7684',
      colorTextDescription: '#5a6675',
      colorBorder: '#8a95a3',
      colorBorderSecondary: '#e3e7ec',
      colorBgLayout: '#f6f7f9',
      fontFamily: FONT,
      fontSize: large ? 18 : touch ? 16 : 14,
      lineHeight: large ? 1.6 : 22 / 14,
      controlHeight: large ? 60 : touch ? 44 : 32,
      borderRadius: 6,
      wireframe: false,
      // a list that slides, or is laid against a dialog still growing, moves away under the pressing finger: the press is lost
      motion: false,
    },
    components: {
      Button: { fontWeight: 400, primaryShadow: 'none', defaultShadow: 'none', dangerShadow: 'none' },
      Modal: { titleFontSize: large ? 22 : 18 },
    },
  }
}
