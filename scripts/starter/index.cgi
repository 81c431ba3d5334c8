#!/bin/ash
# The welcome page: made anew for each request, so that it shows this container's name and time.
case ${HTTP_ACCEPT_LANGUAGE:-en} in
  zh*)
    lang=zh-CN title='您的容器正在运行' lead='这个页面由容器里的网页服务器即时生成。'
    l_host='容器主机名' l_time='容器时间' l_kernel='内核' l_up='已运行' l_from='您的地址'
    next='接下来' n1='打开“日志”，刷新本页：每次访问都有一行记录。'
    n2='打开“终端”，改一改这个页面：' n3='停止、再启动这个容器：您的修改还在。'
    ;;
  *)
    lang=en title='Your container is running' lead='This page is made on the spot by a web server inside it.'
    l_host='Container' l_time='Its time' l_kernel='Kernel' l_up='Up for' l_from='You come from'
    next='What next' n1='Open its logs and reload this page: each visit writes a line.'
    n2='Open a terminal and change this page:' n3='Stop it and start it again: your change is still there.'
    ;;
esac
from=${REMOTE_ADDR:-?}
from=${from#[}
from=${from#::ffff:}
started=$(stat -c %Y /proc/1)
up=$(($(date +%s) - started))
printf 'Content-Type: text/html; charset=utf-8\r\nCache-Control: no-store\r\n\r\n'
cat <<HTML
<!doctype html>
<html lang="$lang">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
  :root { color-scheme: light dark; --ink: #1d1c24; --soft: #66646f; --line: #1d1c241f; --paper: #fdfdfe; --accent: #5145cd; --run: #15803d; }
  @media (prefers-color-scheme: dark) {
    :root { --ink: #ecebf1; --soft: #a09eab; --line: #ffffff24; --paper: #17161d; --accent: #a5a0ff; --run: #4ade80; }
  }
  * { box-sizing: border-box; }
  body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--paper); color: var(--ink);
    font: 16px/1.6 Inter, "PingFang SC", "Noto Sans CJK SC", "Microsoft YaHei", system-ui, sans-serif; }
  main { width: min(560px, 100vw - 48px); padding: 48px 0; }
  p.state { margin: 0; color: var(--run); font-size: 14px; font-weight: 600; }
  p.state::before { content: ""; display: inline-block; width: 8px; height: 8px; margin-right: 8px; border-radius: 50%; background: currentColor; }
  h1 { margin: 8px 0 4px; font-weight: 650; font-size: 32px; line-height: 1.25; letter-spacing: -0.02em; }
  p.lead { margin: 0 0 32px; color: var(--soft); }
  dl { display: grid; grid-template-columns: auto 1fr; margin: 0 0 32px; border-top: 1px solid var(--line); }
  dt, dd { margin: 0; padding: 8px 0; border-bottom: 1px solid var(--line); }
  dt { padding-right: 24px; color: var(--soft); }
  dd { font-family: "JetBrains Mono", ui-monospace, monospace; font-size: 14px; line-height: 26px; overflow-wrap: anywhere; }
  h2 { margin: 0 0 8px; font-size: 16px; }
  ol { margin: 0; padding-left: 20px; color: var(--soft); }
  code { display: block; margin: 4px 0; padding: 8px 12px; border: 1px solid var(--line); border-radius: 6px; color: var(--ink);
    font: 13px/1.5 "JetBrains Mono", ui-monospace, monospace; overflow-x: auto; white-space: nowrap; }
</style>
<main>
  <p class="state">$(hostname)</p>
  <h1>$title</h1>
  <p class="lead">$lead</p>
  <dl>
    <dt>$l_host</dt><dd id="host">$(hostname)</dd>
    <dt>$l_time</dt><dd>$(date -u '+%Y-%m-%d %H:%M:%S UTC')</dd>
    <dt>$l_up</dt><dd>$((up / 3600)):$(printf %02d $((up / 60 % 60))):$(printf %02d $((up % 60)))</dd>
    <dt>$l_kernel</dt><dd>Linux $(uname -rm)</dd>
    <dt>$l_from</dt><dd>${from%]}</dd>
  </dl>
  <h2>$next</h2>
  <ol>
    <li>$n1</li>
    <li>$n2<code>echo '&lt;h1&gt;Hi / 你好&lt;/h1&gt;' &gt; /www/index.html</code></li>
    <li>$n3</li>
  </ol>
</main>
</html>
HTML
