import * as vscode from 'vscode';

/** A record of `ringscope/exits`, as far as the view shows it (docs: src/adapter/protocol/custom.ts). */
export interface ExitRecord {
  sequence: number;
  instruction: string;
  reason: number;
  name: string;
  qualification: string;
  detail: { name: string; value: string }[];
  guestRip: string;
  guestLinear?: string;
  guestPhysical?: string;
  vmcs: string;
  hypervisorInstructions?: string;
  symbol?: string;
  source?: { path: string; line: number };
}

interface Page {
  total: number;
  first: number;
  exits: ExitRecord[];
}

const PAGE = 100;

/** The history of VM exits, newest first, a page at a time. */
export class ExitTree implements vscode.TreeDataProvider<vscode.TreeItem> {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChangeTreeData = this.changed.event;
  private session: vscode.DebugSession | undefined;
  private shown = PAGE;

  refresh(session: vscode.DebugSession | undefined): void {
    const ours = session?.type === 'ringscope' ? session : undefined;
    if (ours?.id !== this.session?.id) this.shown = PAGE;
    this.session = ours;
    this.changed.fire();
  }

  older(): void {
    this.shown += PAGE;
    this.changed.fire();
  }

  getTreeItem(item: vscode.TreeItem): vscode.TreeItem {
    return item;
  }

  async getChildren(item?: vscode.TreeItem): Promise<vscode.TreeItem[]> {
    if (item instanceof ExitItem) return item.details();
    if (item || !this.session) return [];
    const page = await this.page(this.session);
    if (!page) return [];
    const { id } = this.session;
    const items: vscode.TreeItem[] = page.exits.reverse().map(exit => new ExitItem(exit, id));
    const oldest = page.exits.at(-1)?.sequence ?? 0;
    if (oldest > page.first) items.push(olderItem(id, oldest - page.first));
    return items;
  }

  /** The newest exits, as many as are shown. */
  private async page(session: vscode.DebugSession): Promise<Page | undefined> {
    try {
      // The first answer only tells how many there are.
      const { total, first }: Page = await session.customRequest('ringscope/exits', { count: 0 });
      const from = Math.max(first, total - this.shown + 1);
      return await session.customRequest('ringscope/exits', { from, count: this.shown });
    } catch {
      return undefined; // the session ends, or has not launched yet
    }
  }
}

/** One VM exit; its children are the decoded details. */
export class ExitItem extends vscode.TreeItem {
  constructor(
    readonly exit: ExitRecord,
    sessionId: string,
  ) {
    super(`${exit.sequence}  ${exit.name}`, vscode.TreeItemCollapsibleState.Collapsed);
    // Stable, so that the view keeps what is expanded and selected over a refresh.
    this.id = `${sessionId}/${exit.sequence}`;
    const telling = exit.detail
      .filter(({ value }) => value !== 'no')
      .map(({ name, value }) => (value === 'yes' ? name : `${name} ${value}`));
    const cost =
      exit.hypervisorInstructions === undefined ? 'in the handler' : `${exit.hypervisorInstructions} instructions`;
    this.description = [...telling.slice(0, 3), exit.symbol ?? exit.guestRip, cost].join(' · ');
    this.tooltip = `VM exit ${exit.reason}: ${exit.name}\n${this.rows()
      .map(([name, value]) => `${name}: ${value}`)
      .join('\n')}`;
    this.iconPath = new vscode.ThemeIcon('debug-step-out');
    this.contextValue = this.detailBreakpoint ? 'exit.detail' : 'exit';
    this.command = { command: 'ringscope.exits.reveal', title: 'Reveal the Guest Instruction', arguments: [this] };
  }

  /** The function breakpoint for what this exit is about: a port, an MSR, a hypercall. */
  get detailBreakpoint(): string | undefined {
    const value = (name: string) => this.exit.detail.find(detail => detail.name === name)?.value;
    switch (this.exit.name) {
      case 'IO':
        return `port:${value('port')}`;
      case 'RDMSR':
      case 'WRMSR':
        return `msr:${value('index')}`;
      case 'VMCALL':
        return `hypercall:${value('number')}`;
      default:
        return undefined;
    }
  }

  details(): vscode.TreeItem[] {
    return this.rows().map(([name, value]) => {
      const item = new vscode.TreeItem(name);
      item.id = `${this.id}/${name}`;
      item.description = value;
      return item;
    });
  }

  private rows(): [string, string][] {
    const { exit } = this;
    const rows: [string, string | undefined][] = [
      ['qualification', exit.qualification],
      ...exit.detail.map(({ name, value }): [string, string] => [name, value]),
      ['guest RIP', exit.symbol ? `${exit.guestRip} <${exit.symbol}>` : exit.guestRip],
      ['guest-linear address', exit.guestLinear],
      ['guest-physical address', exit.guestPhysical],
      ['VMCS', exit.vmcs],
      ['at instruction', exit.instruction],
      [
        'handler',
        exit.hypervisorInstructions === undefined ? 'still running' : `${exit.hypervisorInstructions} instructions`,
      ],
    ];
    return rows.filter((row): row is [string, string] => row[1] !== undefined);
  }
}

function olderItem(sessionId: string, count: number): vscode.TreeItem {
  const item = new vscode.TreeItem(`${count} older…`);
  item.id = `${sessionId}/older`;
  item.command = { command: 'ringscope.exits.older', title: 'Show Older VM Exits' };
  return item;
}
