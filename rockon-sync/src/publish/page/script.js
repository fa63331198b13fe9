
"use strict";
(() => {
  const at = (id) => document.getElementById(id);
  const form = at("filters");
  const search = at("search");
  // There is none where no entry says what it runs on.
  const arch = at("arch");
  const since = at("since");
  const cards = Array.from(document.querySelectorAll(".card"), (element) => ({
    element,
    // The digest and the labels of the fields are nothing to search for.
    text: Array.from(element.querySelectorAll("h3, p, dd:not(.digest)"), (part) => part.textContent)
      .join(" ").toLowerCase(),
    // What is not known hides nothing.
    machines: element.dataset.arch === undefined ? null : element.dataset.arch.split(" "),
    updated: element.dataset.updated,
  }));
  // The fields that are part of the address, by their names there.
  const fields = Object.entries({ q: search, arch, since }).filter(([, field]) => field);
  const days = Array.from(document.querySelectorAll(".day"));

  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const machine = arch ? arch.value : "";
    const day = since.value;
    let shown = 0;
    for (const card of cards) {
      const fits = words.every((word) => card.text.includes(word))
        && (machine === "" || card.machines === null || card.machines.includes(machine))
        && (day === "" || card.updated === undefined || card.updated >= day);
      card.element.hidden = !fits;
      shown += fits ? 1 : 0;
    }
    let recent = 0;
    for (const section of days) {
      section.hidden = day !== "" && section.dataset.day < day;
      recent += section.hidden ? 0 : 1;
    }
    at("nothing-new").hidden = recent > 0;
    at("none").hidden = shown > 0;
    at("count").textContent = shown === cards.length ? "" : `${shown} of ${cards.length}`;
  };

  // The address of the page has the search, so that it can be sent and bookmarked.
  const remember = () => {
    const address = new URL(location.href);
    for (const [name, field] of fields) {
      if (field.value === "") address.searchParams.delete(name);
      else address.searchParams.set(name, field.value);
    }
    try {
      history.replaceState(null, "", address);
    } catch {
      // Browsers allow only so many changes in a short time; the next one has them all.
    }
  };
  const recall = () => {
    const given = new URLSearchParams(location.search);
    for (const [name, field] of fields) {
      if (given.has(name)) field.value = given.get(name);
    }
  };

  // A link to an entry finds it, whatever is being searched for.
  const reveal = () => {
    const target = at(location.hash.slice(1));
    if (target && target.hidden) {
      form.reset();
      filter();
      remember();
      target.scrollIntoView();
    }
  };

  form.addEventListener("input", () => {
    filter();
    remember();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  at("reset").addEventListener("click", () => {
    form.reset();
    filter();
    remember();
    search.focus();
  });
  addEventListener("hashchange", reveal);
  // A reload restores what was typed before.
  addEventListener("pageshow", () => {
    recall();
    filter();
  });
  form.hidden = false;
})();
