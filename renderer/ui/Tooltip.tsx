import { useEffect, useState } from 'react';
import { Kbd } from './Kbd.tsx';
import './tooltip.css';

interface Tip {
  text: string;
  keys: string | undefined;
  x: number;
  y: number;
  above: boolean;
}

/**
 * The one tooltip: shows `data-tip` (and `data-keys`) of whatever is hovered or focused by keyboard.
 * One listener for all, since a table of a thousand rows has five buttons in each.
 */
export function Tooltip() {
  const [tip, setTip] = useState<Tip | null>(null);

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let shownAt = 0;
    const hide = () => {
      clearTimeout(timer);
      setTip((now) => {
        if (now) shownAt = Date.now();
        return null;
      });
    };
    const show = (target: Element) => {
      const box = target.getBoundingClientRect();
      const text = target.getAttribute('data-tip');
      if (!text || target.getAttribute('aria-expanded') === 'true') return;
      const above = box.bottom + 40 > window.innerHeight;
      setTip({
        text,
        keys: target.getAttribute('data-keys') ?? undefined,
        x: box.left + box.width / 2,
        y: above ? box.top - 6 : box.bottom + 6,
        above,
      });
    };
    const over = (event: Event) => {
      const target = event.target instanceof Element ? event.target.closest('[data-tip]') : null;
      hide();
      // After one tooltip its neighbours answer at once.
      if (target) timer = setTimeout(() => show(target), Date.now() - shownAt < 400 ? 0 : 450);
    };
    const focus = (event: FocusEvent) => {
      const target = event.target instanceof Element ? event.target.closest('[data-tip]') : null;
      if (target?.matches(':focus-visible')) show(target);
      else hide();
    };
    document.addEventListener('pointerover', over);
    document.addEventListener('pointerdown', hide, true);
    document.addEventListener('keydown', hide, true);
    document.addEventListener('scroll', hide, true);
    document.addEventListener('focusin', focus);
    document.addEventListener('focusout', hide);
    return () => {
      clearTimeout(timer);
      document.removeEventListener('pointerover', over);
      document.removeEventListener('pointerdown', hide, true);
      document.removeEventListener('keydown', hide, true);
      document.removeEventListener('scroll', hide, true);
      document.removeEventListener('focusin', focus);
      document.removeEventListener('focusout', hide);
    };
  }, []);

  if (!tip) return null;
  const x = Math.min(Math.max(tip.x, 90), window.innerWidth - 90);
  return (
    <div className={`tooltip ${tip.above ? 'above' : ''}`} role="tooltip" style={{ left: x, top: tip.y }}>
      {tip.text}
      {tip.keys && <Kbd keys={tip.keys} />}
    </div>
  );
}
