/* Shows what is found as one types. Without it the form does the same on submit. */
const form = document.querySelector(".search"), field = form.q;
const [found, list, none] = ["found", "hits", "none"].map((id) => document.getElementById(id));
let timer, asked = field.value.trim();

function show(query, hits) {
  const what = hits.length === 1 ? "1 träff" : `${hits.length || "Inga"} träffar`;
  found.textContent = query ? `${what} för ”${query}”.` : "";
  none.hidden = !query || hits.length > 0;
  list.replaceChildren(...hits.map(({ title, url, text, lang }) => {
    const item = document.createElement("li"), link = document.createElement("a"), line = document.createElement("p");
    item.lang = lang;
    link.href = url;
    link.textContent = title;
    line.textContent = text;
    item.append(link, line);
    return item;
  }));
}

async function search() {
  const query = field.value.trim();
  if (query === asked) return;
  asked = query;
  try {
    const response = await fetch(`/api/search?q=${encodeURIComponent(query)}`);
    if (!response.ok) return;
    const { results } = await response.json();
    if (query !== asked) return; // newer letters are on their way
    show(query, results);
    history.replaceState(null, "", query ? `?q=${encodeURIComponent(query)}` : location.pathname);
  } catch { /* the form still works */ }
}

field.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(search, 250);
});
