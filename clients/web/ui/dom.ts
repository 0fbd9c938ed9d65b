/** The element of the page with an id, which must be there and of this kind. */
export function byId<T extends HTMLElement>(id: string, kind: abstract new () => T): T {
  const element = document.getElementById(id);
  if (element instanceof kind) return element;
  throw new Error(`the page has no ${kind.name} #${id}`);
}

/** Makes an element with a class. */
export function make<K extends keyof HTMLElementTagNameMap>(tag: K, className = ''): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (className) element.className = className;
  return element;
}

/** Sets a text where it is another one, so that screen readers are not told again what they know. */
export function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Sets a text and shows the element, or hides it when there is none. */
export function showText(element: HTMLElement, text: string | undefined): void {
  setText(element, text ?? '');
  element.hidden = !text;
}

/** Gives a list exactly these children in this order, moving only what is not in its place, and keeps the focus. */
export function arrange(list: HTMLElement, children: readonly HTMLElement[]): void {
  const focused = document.activeElement;
  const wanted = new Set<Element>(children);
  for (const child of Array.from(list.children)) if (!wanted.has(child)) child.remove();
  children.forEach((child, index) => {
    const present = list.children[index];
    if (present !== child) list.insertBefore(child, present ?? null);
  });
  if (focused instanceof HTMLElement && focused !== document.activeElement && list.contains(focused)) focused.focus();
}
