import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';

describe('activation', () => {
  it('the extension is there', () => {
    assert.ok(vscode.extensions.getExtension('ringscope.ringscope'));
  });
});
