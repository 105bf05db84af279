// Every trial in a table, made when it is first opened.
const FINALS = [["final\ntrain loss", number], ["final\ntest loss", number], ["final test\naccuracy", percent]];

function trialsSection() {
  if (!data.trials.length) return;
  const details = byId("trials-details");
  details.querySelector("summary").textContent = `All ${data.trials.length} trials as a table`;
  byId("trials").hidden = false;
  details.addEventListener("toggle", () => { if (details.open && !byId("trials-table").hasChildNodes()) tabulateTrials(); });
}

function tabulateTrials() {
  const best = data.trials.map((trial) => trial[3]).filter((steps) => steps !== null && steps >= 0);
  const least = best.length ? best.reduce((a, b) => Math.min(a, b)) : NaN;
  const settings = data.settings.length > 1;
  const present = FINALS.map((_, index) => data.trials.some((trial) => trial[4 + index] !== null));
  const columns = [["scheme", false], ...(settings ? [["setting", false]] : []), ["seed", true], ["steps to\ntarget", true], ["steps ÷\nfewest", true],
    ...FINALS.filter((_, index) => present[index]).map(([heading]) => [heading, true]), ["seconds", true], ["state", false], ["evidence", false]];
  const rows = data.trials.map((trial) => {
    const [scheme, setting, seed, steps] = trial, missed = steps === -1;
    const over = missed ? Infinity : steps === null ? NaN : steps / least;
    return [data.schemes[scheme], ...(settings ? [[data.settings[setting], data.settings[setting]]] : []), [seed, Number(seed)],
      [missed ? "not reached" : integer(steps), missed ? Infinity : steps], [missed ? MISSING : ratio(over), over],
      ...FINALS.map(([, words], index) => [words(trial[4 + index]), trial[4 + index]]).filter((_, index) => present[index]),
      [trial[7] === null ? MISSING : trial[7].toFixed(1), trial[7]], [trial[8], trial[8]], [trial[9], trial[9]]];
  });
  tableOf(byId("trials-table"), columns, rows, "One row per trial. Trials of one stack are trained together and share its seconds.");
}
