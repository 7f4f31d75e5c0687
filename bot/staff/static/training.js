// Shows how far a training has come. Without this, reloading the page does.
const box = document.querySelector("[data-progress]");

async function look() {
  let now;
  try {
    const answer = await fetch(box.dataset.progress);
    if (!answer.ok || answer.redirected) return;
    now = await answer.json();
  } catch {
    setTimeout(look, 5000); // the service may be busy
    return;
  }
  if (!now.running) {
    location.assign(box.dataset.report);
    return;
  }
  const step = box.querySelector("[data-step]");
  if (step.textContent !== now.step) step.textContent = now.step;
  box.querySelector("[data-took]").textContent = now.took;
  setTimeout(look, 2000);
}

if (box) {
  box.querySelector("[data-reload]").hidden = true;
  setTimeout(look, 1000);
}
