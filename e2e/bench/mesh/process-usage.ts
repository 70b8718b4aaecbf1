import { existsSync, readFileSync } from 'node:fs'
import { median } from '../../fixtures/median.ts'

/** Linux counts processor time in these, whatever the kernel's own clock is. */
const TICKS_PER_SECOND = 100
const SAMPLE_MS = 500

/** What a process used in a stretch of time. */
export interface Usage {
  /** Resident memory, the median of the samples: a collection in between does not decide it. */
  readonly residentMb: number
  /** Share of one core. */
  readonly cpuPercent: number
}

/** True where the kernel tells of processes by files. */
export function hasProcessFiles(): boolean {
  return existsSync('/proc/self/stat')
}

/** Watches a process for so long. Throws when it ends meanwhile. */
export async function watchProcess(pid: number, windowMs: number): Promise<Usage> {
  const startedAt = performance.now()
  const ticks = ticksOf(pid)
  const resident = []
  while (performance.now() - startedAt < windowMs) {
    await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS))
    resident.push(residentMbOf(pid))
  }
  const cpuSeconds = (ticksOf(pid) - ticks) / TICKS_PER_SECOND
  return {
    residentMb: median(resident),
    cpuPercent: (cpuSeconds / (performance.now() - startedAt)) * 100_000,
  }
}

/** Fields 14 and 15, user and system; the name in field 2 may hold spaces, so they are counted from its bracket. */
function ticksOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return Number(fields[11]) + Number(fields[12])
}

function residentMbOf(pid: number): number {
  const [, kib] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return (Number(kib) * 1024) / 1e6
}
