import * as assert from 'node:assert/strict';
import type * as vscode from 'vscode';
import { ExitTree, type ExitRecord } from '../../src/extension/exit-tree';

/** A session whose debuggee has had exits number `first` to `total`, and nothing else. */
function sessionWith(total: number, first = 1): vscode.DebugSession {
  const exits = Array.from({ length: total - first + 1 }, (_, n): ExitRecord => {
    const sequence = first + n;
    return {
      sequence,
      instruction: String(sequence * 10),
      reason: 10,
      name: 'CPUID',
      qualification: '0x0',
      detail: [],
      guestRip: '0x1000',
      vmcs: '0x2000',
    };
  });
  const customRequest = (_request: string, { from = first, count }: { from?: number; count: number }) =>
    Promise.resolve({ total, first, exits: exits.filter(e => e.sequence >= from && e.sequence < from + count) });
  return { type: 'ringscope', id: 'session', customRequest } as unknown as vscode.DebugSession;
}

const label = (item: vscode.TreeItem): string =>
  typeof item.label === 'string' ? item.label : (item.label?.label ?? '');

describe('the tree of VM exits', () => {
  it('shows a long history in pages, newest first, with stable ids', async () => {
    const tree = new ExitTree();
    tree.refresh(sessionWith(250));
    const newest = await tree.getChildren();
    assert.equal(newest.length, 101);
    assert.match(label(newest[0]), /^250\b/);
    assert.match(label(newest[99]), /^151\b/);
    assert.match(label(newest[100]), /150/, 'what is left is told');
    tree.older();
    const more = await tree.getChildren();
    assert.equal(more.length, 201);
    assert.deepEqual(
      more.slice(0, 100).map(item => item.id),
      newest.slice(0, 100).map(item => item.id),
    );
    tree.older();
    const all = await tree.getChildren();
    assert.equal(all.length, 250, 'nothing older is offered at the end');
    assert.match(label(all[249]), /^1\b/);
  });

  it('starts anew with another session, and is empty without one', async () => {
    const tree = new ExitTree();
    tree.refresh(sessionWith(3));
    assert.equal((await tree.getChildren()).length, 3);
    tree.refresh(undefined);
    assert.deepEqual(await tree.getChildren(), []);
  });

  it('ends where the adapter has forgotten the oldest exits', async () => {
    const tree = new ExitTree();
    tree.refresh(sessionWith(500, 451));
    assert.equal((await tree.getChildren()).length, 50);
  });
});
