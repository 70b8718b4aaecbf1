import { unknownPart } from './template-error.ts'

const MONTHS = 'January February March April May June July August September October November December'.split(
  ' ',
)
const DAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ')
const MS_PER_DAY = 86_400_000

/** A part of a date with its width and what fills it. */
type Part = readonly [value: number, width: number, fill: '0' | ' ']

function numbers(date: Date): Readonly<Record<string, Part>> {
  const [year, hours, weekday] = [date.getUTCFullYear(), date.getUTCHours(), date.getUTCDay()]
  const dayOfYear = Math.floor((date.getTime() - Date.UTC(year, 0)) / MS_PER_DAY)
  // ISO 8601: a week belongs to the year of its Thursday.
  const thursday = new Date(date.getTime() + (4 - (weekday || 7)) * MS_PER_DAY)
  const weekYear = thursday.getUTCFullYear()
  const week = Math.floor((thursday.getTime() - Date.UTC(weekYear, 0)) / MS_PER_DAY / 7) + 1
  const hour = hours % 12 || 12
  return {
    C: [Math.floor(year / 100), 2, '0'],
    d: [date.getUTCDate(), 2, '0'],
    e: [date.getUTCDate(), 2, ' '],
    f: [date.getUTCMilliseconds() * 1000, 6, '0'],
    G: [weekYear, 4, '0'],
    g: [weekYear % 100, 2, '0'],
    H: [hours, 2, '0'],
    I: [hour, 2, '0'],
    j: [dayOfYear + 1, 3, '0'],
    k: [hours, 2, ' '],
    l: [hour, 2, ' '],
    M: [date.getUTCMinutes(), 2, '0'],
    m: [date.getUTCMonth() + 1, 2, '0'],
    S: [date.getUTCSeconds(), 2, '0'],
    U: [Math.floor((dayOfYear + 7 - weekday) / 7), 2, '0'],
    u: [weekday || 7, 1, '0'],
    V: [week, 2, '0'],
    W: [Math.floor((dayOfYear + 7 - ((weekday + 6) % 7)) / 7), 2, '0'],
    w: [weekday, 1, '0'],
    Y: [year, 4, '0'],
    y: [year % 100, 2, '0'],
  }
}

function words(date: Date): Readonly<Record<string, string>> {
  const [month = '', day = ''] = [MONTHS[date.getUTCMonth()], DAYS[date.getUTCDay()]]
  const half = date.getUTCHours() < 12 ? 'AM' : 'PM'
  return {
    '%': '%',
    A: day,
    a: day.slice(0, 3),
    B: month,
    b: month.slice(0, 3),
    h: month.slice(0, 3),
    n: '\n',
    P: half.toLowerCase(),
    p: half,
    t: '\t',
    // A date without a zone, as Python's `datetime.now()` is one.
    Z: '',
    z: '',
  }
}

/** Signs that stand for others, as the C locale has them. */
const SHORT: Readonly<Record<string, string>> = {
  c: '%a %b %e %H:%M:%S %Y',
  D: '%m/%d/%y',
  F: '%Y-%m-%d',
  R: '%H:%M',
  r: '%I:%M:%S %p',
  T: '%H:%M:%S',
  X: '%H:%M:%S',
  x: '%m/%d/%y',
}

/**
 * Python's `strftime`, in English and in UTC: it says nothing of where the asker lives, nor in which language.
 *
 * @throws TemplateError for a sign that is not known
 */
export function formatDate(date: Date, format: string): string {
  const [number, word] = [numbers(date), words(date)]
  return format.replace(/%([-_0^]?)([a-zA-Z%])|%/g, (found, flag: string | undefined, sign = '') => {
    const name = String(sign)
    const short = Object.hasOwn(SHORT, name) ? SHORT[name] : undefined
    const part = Object.hasOwn(number, name) ? number[name] : undefined
    const text =
      short === undefined ? (Object.hasOwn(word, name) ? word[name] : undefined) : formatDate(date, short)
    if (part) return padded(part, flag)
    if (text === undefined || flag === '-' || flag === '_' || flag === '0')
      throw unknownPart(`the date part ${found}`)
    return flag === '^' ? text.toUpperCase() : text
  })
}

function padded([value, width, fill]: Part, flag: string | undefined): string {
  if (flag === '-') return String(value)
  return String(value).padStart(width, flag === '_' ? ' ' : flag === '0' ? '0' : fill)
}
