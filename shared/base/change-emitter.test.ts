import { describe, expect, it } from 'vitest'
import { ChangeEmitter } from './change-emitter.ts'

describe('ChangeEmitter', () => {
  it('calls everybody who asked, once each time, until they take it back', () => {
    const emitter = new ChangeEmitter()
    const heard: string[] = []
    const stop = emitter.listen(() => heard.push('a'))
    emitter.listen(() => heard.push('b'))
    emitter.emit()
    stop()
    stop()
    emitter.emit()
    expect(heard).toEqual(['a', 'b', 'b'])
  })

  it('goes on after a listener that throws', () => {
    const emitter = new ChangeEmitter()
    let heard = 0
    emitter.listen(() => {
      throw new Error('cannot draw')
    })
    emitter.listen(() => heard++)
    expect(() => emitter.emit()).not.toThrow()
    expect(heard).toBe(1)
  })

  it('lets a listener leave or join while it is called', () => {
    const emitter = new ChangeEmitter()
    let late = 0
    const stop = emitter.listen(() => {
      stop()
      emitter.listen(() => late++)
    })
    emitter.emit()
    expect(late).toBe(0)
    emitter.emit()
    expect(late).toBe(1)
  })
})
