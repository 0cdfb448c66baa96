// What pages do beyond htmx: count down, choose the theme, and say when they stand still.
"use strict";

const MINUTE = 60, HOUR = 3600, DAY = 86400;

function spanWords(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole >= DAY) return `${Math.floor(whole / DAY)} d ${Math.floor((whole % DAY) / HOUR)} h`;
  if (whole >= HOUR) return `${Math.floor(whole / HOUR)} h ${Math.floor((whole % HOUR) / MINUTE)} min`;
  return whole >= MINUTE ? `${Math.floor(whole / MINUTE)} min ${whole % MINUTE} s` : `${whole} s`;
}

// The desk's clock is the law, whatever this machine's says.
const ahead = Date.parse(document.querySelector('meta[name="munshi-now"]').content) - Date.now();

function countDown() {
  for (const element of document.querySelectorAll("[data-until]")) {
    const left = (Date.parse(element.dataset.until) - Date.now() - ahead) / 1000;
    element.textContent = left > 0 ? `${spanWords(left)} left` : "over";
  }
}

// So that a tab among many tells how the desk is.
function nameTab() {
  const said = document.querySelector("[data-tab]");
  if (said) document.title = `${said.dataset.tab} · Munshi`;
}

function toggleTheme() {
  const root = document.documentElement;
  const isDark = root.dataset.theme
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = isDark ? "light" : "dark";
  localStorage.setItem("theme", root.dataset.theme);
}

function showNote(id, isShown) {
  document.getElementById(id).hidden = !isShown;
}

function signIn() {
  const link = document.querySelector("#signed-out a");
  link.href = `/ui/sign-in?wanted=${encodeURIComponent(location.pathname + location.search)}`;
  showNote("signed-out", true);
}

document.addEventListener("htmx:sse:error", (event) => {
  if (event.detail.status === 401 || event.detail.status === 403) {
    event.detail.connection.config.reconnect = false;
    signIn();
  } else {
    showNote("away", true);
  }
});
document.addEventListener("htmx:sse:after:connection", () => {
  showNote("away", false);
  document.documentElement.dataset.live = "yes";
});
document.addEventListener("htmx:sse:close", () => delete document.documentElement.dataset.live);
document.addEventListener("htmx:sse:after:message", () => {
  countDown();
  nameTab();
});

const themeButton = document.getElementById("theme");
themeButton.hidden = false;
themeButton.addEventListener("click", toggleTheme);
countDown();
nameTab();
setInterval(countDown, 1000);
