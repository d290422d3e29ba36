"use strict"
const explorer = {
  count: 0,
  waiting: null,

  model(name) {
    return Bokeh.documents.length ? Bokeh.documents[0].get_model_by_name(name) : null
  },

  // Asks the server for another state: names of the query with their values, or a form that has them.
  ask(changes) {
    if (changes instanceof HTMLFormElement) {
      const form = changes
      changes = {}
      for (const field of form.elements) if (field.name) changes[field.name] = []
      for (const [name, value] of new FormData(form)) changes[name].push(value)
    }
    const asked = explorer.model("asked")
    if (asked) asked.value = JSON.stringify({n: ++explorer.count, changes})
  },

  // Asks for another span and other flanks, which are typed as the first and the last token.
  askSpan(form) {
    const value = (name) => form.elements[name].value.replaceAll(",", "").trim()
    const last = /^\d+$/.test(value("last")) ? String(Number(value("last")) + 1) : value("last")
    explorer.ask({span: [`${value("first")}:${last}`], left: [value("left")], right: [value("right")]})
  },

  // Shows what the server answers: the address, parts of the page whose text it has escaped, values of fields.
  hear(text) {
    const told = JSON.parse(text)
    history.replaceState(null, "", `${location.pathname}?${told.query}`)
    for (const [id, html] of Object.entries(told.parts)) {
      const part = document.getElementById(id)
      if (part && part.innerHTML !== html) part.innerHTML = html
    }
    for (const [name, value] of Object.entries(told.fields))
      for (const field of document.getElementsByName(name))
        if (field !== document.activeElement || told.force) field.value = value
    for (const link of document.querySelectorAll("a[data-csv]"))
      link.href = `${link.getAttribute("href").split("?")[0]}?${told.query}`
    document.documentElement.dataset.answered = told.n
  },

  // The reader has moved: ask for what is seen now once the movement pauses.
  seen(range) {
    clearTimeout(explorer.waiting)
    explorer.waiting = setTimeout(() => {
      const at = Math.max(0, Math.round(range.start + 0.5))
      explorer.ask({at: [String(at)], width: [String(Math.round(range.end - range.start))]})
    }, 60)
  },

  move(share) {
    const seen = explorer.model("seen")
    if (!seen) return
    const width = seen.end - seen.start
    const [low, high] = seen.bounds
    const start = Math.max(low, Math.min(high - width, seen.start + Math.round(share * width)))
    seen.setv({start, end: start + width})
  },

  zoom(factor) {
    const seen = explorer.model("seen")
    if (!seen) return
    const [low, high] = seen.bounds
    const old = seen.end - seen.start
    const width = Math.round(Math.max(seen.min_interval, Math.min(seen.max_interval, high - low, old * factor)))
    const start = Math.max(low, Math.min(high - width, Math.round((seen.start + seen.end - width) / 2) + 0.5))
    seen.setv({start, end: start + width})
  },

  async save(name, kind) {
    const model = explorer.model(name)
    const view = [...Bokeh.index.roots].find((one) => one.model === model)
    if (!view) return
    const blob = await view.export(kind).to_blob()
    const link = document.createElement("a")
    link.href = URL.createObjectURL(blob)
    link.download = `${document.title.replace(/[^\w.-]+/g, "-")}-${name}.${kind}`
    link.click()
    URL.revokeObjectURL(link.href)
    document.documentElement.dataset.saved = `${kind} ${blob.size}`
  },
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button")
  if (!button) return
  const {pan, zoom, save, kind, ask} = button.dataset
  if (pan) explorer.move(Number(pan))
  if (zoom) explorer.zoom(Number(zoom))
  if (save) explorer.save(save, kind)
  if (ask) explorer.ask(JSON.parse(ask))
})

document.addEventListener("keydown", (event) => {
  if (event.target.closest("input, select, textarea, summary, a, button") || event.ctrlKey || event.metaKey) return
  const does = {
    ArrowLeft: () => explorer.move(-0.5), ArrowRight: () => explorer.move(0.5),
    "+": () => explorer.zoom(0.5), "-": () => explorer.zoom(2),
  }[event.key]
  if (does && explorer.model("seen")) {
    event.preventDefault()
    does()
  }
})

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]"))
    if (!menu.contains(event.target)) menu.open = false
})

// What was told before the page was there.
const arrived = setInterval(() => {
  const told = window.Bokeh && explorer.model("told")
  if (!told) return
  clearInterval(arrived)
  if (told.value) explorer.hear(told.value)
}, 50)
setTimeout(() => clearInterval(arrived), 30000)
